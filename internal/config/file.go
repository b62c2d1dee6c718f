package config

import (
	"errors"
	"io"
	"os"
	"strconv"
)

// MaxFileBytes bounds the size of a file in a variable.
const MaxFileBytes = 256 << 10

// file returns the content of the file that a variable names.
func (e *Environment) file(name, path, want string) []byte {
	f, err := os.Open(path)
	if err != nil {
		e.refuse(name, "names a file that cannot be read ("+reason(err)+")", want)
		return nil
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	switch {
	case err != nil:
		e.refuse(name, "names a file that cannot be read ("+reason(err)+")", want)
		return nil
	case len(text) > MaxFileBytes:
		e.refuse(name, "names a file of more than "+strconv.Itoa(MaxFileBytes)+" bytes", want)
		return nil
	}
	return text
}

// reason returns the text of a file error without the path, which is the value of the variable.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return "reading failed"
}
