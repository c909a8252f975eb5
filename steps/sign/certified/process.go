package certified

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os/exec"

	"github.com/NVIDIA/eidos/schema"
)

// process is eidos-sigstore while it runs. It is not safe for concurrent use.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	last chan string // the last line that it printed for people, once it has ended
}

func start(c *exec.Cmd, log func(string)) (*process, error) {
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errs, err := c.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, schema.Errorf(schema.Failed, "starting %s: %w", Name, err)
	}
	p := &process{cmd: c, in: in, out: bufio.NewScanner(out), last: make(chan string, 1)}
	p.out.Buffer(nil, MaxBytes)
	go func() {
		last := ""
		for lines := bufio.NewScanner(errs); lines.Scan(); {
			if last = lines.Text(); log != nil {
				log(last)
			}
		}
		_, _ = io.Copy(io.Discard, errs) // after a line that is too long
		p.last <- last
	}()
	return p, nil
}

// ask writes a request and reads its answer. After an error, the process is of no
// use any more.
func (p *process) ask(r Request) (*Answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	if !p.out.Scan() {
		if err := p.out.Err(); err != nil {
			return nil, err
		}
		return nil, io.ErrUnexpectedEOF
	}
	a := &Answer{}
	return a, json.Unmarshal(p.out.Bytes(), a)
}

// end lets the process end, and returns why it could not answer: failed, or how it
// ended.
func (p *process) end(failed error) error {
	_ = p.in.Close()
	if errors.Is(failed, bufio.ErrTooLong) {
		p.kill() // it waits for somebody who reads the rest
	}
	last := <-p.last
	err := p.cmd.Wait()
	switch {
	case failed == nil && err == nil:
		return nil
	case err != nil:
		return schema.Errorf(schema.Failed, "running %s: %w: %s", Name, err, last)
	}
	return schema.Errorf(schema.Failed, "reading the answer of %s: %w", Name, failed)
}

// kill ends it at once.
func (p *process) kill() { _ = p.cmd.Process.Kill() }
