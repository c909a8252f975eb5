package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

// fetchMain is the program fetch of the scripts: fetch URL [HOST] prints the
// status and the body of what URL answers with, asked under a host's name.
func fetchMain() int {
	q, err := http.NewRequest(http.MethodGet, os.Args[1], http.NoBody)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if len(os.Args) > 2 {
		q.Host = os.Args[2]
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer r.Body.Close()
	fmt.Println(r.Status)
	if _, err := io.Copy(os.Stdout, r.Body); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
