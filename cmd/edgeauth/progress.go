package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// countingReader counts the bytes that were read.
type countingReader struct {
	io.Reader
	n atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// progress shows the progress of a long command on one line of a terminal. If standard error is not
// a terminal, it shows nothing.
type progress struct {
	t    terminal
	size int64 // of the file; 0 if unknown
	read *atomic.Int64

	mu    sync.Mutex
	shown bool
}

// start shows the progress until the returned function is called.
func (p *progress) start(done func() int64) (stop func()) {
	if !isTerminal(p.t.err) {
		return func() {}
	}
	began, ticks, over := time.Now(), time.NewTicker(500*time.Millisecond), make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-ticks.C:
				p.show(describe(done(), time.Since(began), p.read.Load(), p.size))
			}
		}
	})
	return func() {
		ticks.Stop()
		close(over)
		shown.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.erase()
	}
}

// describe returns the progress as text: "1200 users, 400/s, 30 %, 7s left".
func describe(done int64, took time.Duration, read, size int64) string {
	text := fmt.Sprintf("%d users, %.0f/s", done, float64(done)/took.Seconds())
	if size > 0 && read > 0 {
		share := float64(min(read, size)) / float64(size)
		left := time.Duration(float64(took) * (1 - share) / share)
		text += fmt.Sprintf(", %.0f %%, %v left", 100*share, left.Round(time.Second))
	}
	return text
}

func (p *progress) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprint(p.t.err, text)
	p.shown = true
}

// line writes a permanent line.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintf(p.t.err, format+"\n", args...)
}

// Write writes whole permanent lines.
func (p *progress) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.t.err.Write(lines)
}

// erase removes the progress from the terminal: it moves to the beginning of the line and erases
// all after it (ECMA-48, CR and EL).
func (p *progress) erase() {
	if p.shown {
		fmt.Fprint(p.t.err, "\r\x1b[K")
		p.shown = false
	}
}
