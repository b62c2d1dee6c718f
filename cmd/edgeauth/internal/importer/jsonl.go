package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

var byteOrderMark = []byte("\ufeff")

// readLines reads JSON lines: one object a line. Blank lines are skipped. An empty or null e-mail
// means that the user has no e-mail.
func readLines(r io.Reader) Records {
	return func(yield func(Record, error) bool) {
		b := bufio.NewReaderSize(r, maxRecord)
		for at := 1; ; at++ {
			line, err := b.ReadSlice('\n')
			long := errors.Is(err, bufio.ErrBufferFull)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = b.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Record{}, err)
				return
			}
			if at == 1 {
				line = bytes.TrimPrefix(line, byteOrderMark)
			}
			if one := (Record{At: Place{"line", at}}); long || len(bytes.TrimSpace(line)) > 0 {
				if one.Err = errLong; !long {
					one.User, one.Err = parseLine(line)
				}
				if !yield(one, nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

var errObject = errors.New("expected one JSON object")

func parseLine(line []byte) (user.User, error) {
	if !utf8.Valid(line) {
		return user.User{}, errUTF8
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return user.User{}, errObject
	}
	var r record
	seen := map[string]bool{}
	for d.More() {
		// The fields are decoded one by one, because decoding into a struct would ignore the case
		// of a name, and would accept the last of two equal names.
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return user.User{}, errObject
		}
		field := r.field(name)
		switch {
		case field == nil:
			return user.User{}, errUnknown
		case seen[name]:
			return user.User{}, errTwice
		}
		seen[name] = true
		if err := d.Decode(field); errors.As(err, new(*json.SyntaxError)) || errors.Is(err, io.ErrUnexpectedEOF) {
			return user.User{}, errObject
		} else if err != nil {
			return user.User{}, wrongField(name, field)
		}
	}
	if _, err := d.Token(); err != nil {
		return user.User{}, errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return user.User{}, errObject
	}
	return r.user(r.Subject != "" && seen["email"])
}
