package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// cache is the store of results that runs reuse. du and verify only read, beside a run;
// gc needs the store alone, and fails as Unavailable while a run, or `eidos ui`, has it.
// A blob that verify finds damaged is removed, so that the next run makes it anew. What
// gc removes costs time only: it is made again, and effects that were reused for a while
// (cache.ttl) happen again.
func (a *app) cache() *cobra.Command {
	c := &cobra.Command{Use: "cache", Short: "The store of results that runs reuse: du, gc, verify"}
	var format, keep string
	du := &cobra.Command{
		Use: "du", Short: "How large it is", Args: cobra.NoArgs,
		Example: `  eidos cache du
  eidos cache du --format json`,
		RunE: func(*cobra.Command, []string) error {
			return a.paths().ReadStore(func(s *store.Directory) error {
				u, err := s.Usage()
				if err != nil {
					return err
				}
				if format == "json" {
					return a.JSON(u)
				}
				_, err = fmt.Fprintf(a.Out, "%s\n  %s, %d files and documents of %s\n  %s, journals of %s\n",
					s.Dir(), text.Count(u.Entries, "result"), u.Blobs, text.Bytes(u.BlobBytes+u.LogBytes), text.Count(u.Runs, "run"), text.Bytes(u.RunBytes))
				return err
			})
		},
	}
	usage.Format(du, &format, "text", "json")
	// kill -9 during gc leaves entries without content, which count as missing.
	gc := &cobra.Command{
		Use: "gc", Short: "Remove what was not used for a while", Args: cobra.NoArgs,
		Example: `  eidos cache gc --keep 168h                  keep what was made within a week`,
		RunE: func(*cobra.Command, []string) error {
			d, err := time.ParseDuration(keep)
			if err != nil || d < 0 {
				return schema.Errorf(schema.Invalid, "--keep: %q is not a duration", keep).WithHint("write it as 720h or 30m")
			}
			return a.paths().WithStore(func(s *store.Directory) error {
				freed, err := s.GC(time.Now(), d)
				if err != nil {
					return err
				}
				a.Say("freed %s", text.Bytes(freed))
				return nil
			})
		},
	}
	gc.Flags().StringVar(&keep, "keep", "720h", "keep what was made within this time")
	verify := &cobra.Command{
		Use: "verify", Short: "Read everything and check its digest", Args: cobra.NoArgs,
		Example: `  eidos cache verify`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.paths().ReadStore(func(s *store.Directory) error {
				wrong, err := s.Verify(c.Context())
				if err != nil {
					return err
				}
				if len(wrong) > 0 {
					return schema.Join(wrong)
				}
				a.Say("every result is what it was when it was stored")
				return nil
			})
		},
	}
	c.AddCommand(du, gc, verify)
	return c
}
