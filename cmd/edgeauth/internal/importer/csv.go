package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// readCSV reads comma-separated values (RFC 4180). The first line names the fields. Roles are
// separated by spaces and have no comma, pointers are a JSON array, claims are a JSON object, and an empty value
// means that the field is not set.
func readCSV(r io.Reader) Records {
	return func(yield func(Record, error) bool) {
		s := &csvScanner{b: bufio.NewReaderSize(r, 16*maxRecord)}
		if mark, _ := s.b.Peek(len(byteOrderMark)); bytes.Equal(mark, byteOrderMark) {
			_, _ = s.b.Discard(len(byteOrderMark))
		}
		var header []string
		for {
			at, values, bad, err := s.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err == nil && header == nil:
				if err = bad; err == nil {
					header, err = checkHeader(values)
				}
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			if at == 1 {
				continue
			}
			one := Record{At: Place{"line", at}, Err: bad}
			if bad == nil {
				one.User, one.Err = parseValues(header, values)
			}
			if !yield(one, nil) {
				return
			}
		}
	}
}

// checkHeader checks the names of the first line. Its errors repeat no name, because in a file
// without a header the first line is a user's data.
func checkHeader(names []string) ([]string, error) {
	seen := map[string]bool{}
	for i, name := range names {
		if new(record).field(name) == nil || seen[name] {
			return nil, fmt.Errorf("line 1 must list the field names, separated by commas: name %d is unknown or occurs twice (want %s); rename or remove the columns of the file", i+1, strings.Join(fieldNames, ", "))
		}
		seen[name] = true
	}
	if !seen["email"] {
		return nil, errors.New("line 1 must list the field names: email is missing; add or rename a column")
	}
	return names, nil
}

func parseValues(header, values []string) (user.User, error) {
	if len(values) != len(header) {
		return user.User{}, fmt.Errorf("%d values (want %d, one for each field in line 1)", len(values), len(header))
	}
	var r record
	for i, name := range header {
		if name == "roles" && strings.Contains(values[i], ",") {
			return user.User{}, errComma
		}
		if field := r.field(name); values[i] != "" && !parseValue(field, values[i]) {
			return user.User{}, wrongField(name, field)
		}
	}
	return r.user(false)
}

// errComma refuses a comma in the roles: it could be a part of a name, or separate two names.
var errComma = errors.New(`"roles" has a comma; separate several roles by spaces, as in editor admin (JSON lines take a role with a comma in its name)`)

func parseValue(field any, text string) bool {
	var err error
	switch f := field.(type) {
	case *[]string:
		*f = strings.Fields(text)
	case *map[string]any, *[]user.Pointer:
		err = json.Unmarshal([]byte(text), f)
	case *bool:
		*f = text == "true"
		return *f || text == "false"
	case *time.Time:
		*f, err = time.Parse(time.RFC3339Nano, text)
	case *auth.SubjectID:
		*f = auth.SubjectID(text)
	case *string:
		*f = text
	}
	return err == nil
}

// csvScanner splits a file into records. After a quote that is not closed, encoding/csv would read
// to the end of the file. The scanner reports only the line with the quote as bad, and continues
// with the next line.
type csvScanner struct {
	b    *bufio.Reader
	line int // of the next record
}

var errCSV = fmt.Errorf("wrong CSV quotes, or a record longer than %d bytes", maxRecord)

// next returns the values of the next record and the line where it begins. bad says what is wrong
// with this record; err ends the file.
func (s *csvScanner) next() (at int, values []string, bad, err error) {
	for {
		text, err := s.window()
		if err != nil {
			return 0, nil, nil, err
		}
		s.line++
		at := s.line
		first := bytes.IndexByte(text, '\n') + 1
		if first == 0 {
			first = len(text)
		}
		if len(bytes.TrimSpace(text[:first])) == 0 && at > 1 {
			_, _ = s.b.Discard(first)
			continue
		}
		end := recordEnd(text)
		values, err := parseCSV(text[:max(end, 0)])
		if end < 0 || err != nil {
			return at, nil, errCSV, s.skipLine()
		}
		if !utf8.Valid(text[:end]) {
			bad = errUTF8
		}
		s.line += bytes.Count(text[:end-1], []byte{'\n'})
		_, _ = s.b.Discard(end)
		return at, values, bad, nil
	}
}

// window returns the buffered text if a record ends in it. Otherwise it returns the longest text
// that a record may have.
func (s *csvScanner) window() ([]byte, error) {
	// Peeking beyond the buffered text moves the buffer's content. Most records fit into the
	// buffer.
	if text, _ := s.b.Peek(s.b.Buffered()); recordEnd(text) > 0 && bytes.HasSuffix(text[:recordEnd(text)], []byte{'\n'}) {
		return text[:min(len(text), maxRecord)], nil
	}
	text, err := s.b.Peek(maxRecord)
	if len(text) > 0 && (err == nil || errors.Is(err, io.EOF)) {
		return text, nil
	}
	return nil, err
}

// recordEnd returns the end of the first record, which is after the first line feed outside of
// quotes, or -1 if no record ends in the text. A quote inside of quotes is doubled, so counting the
// quotes is enough.
func recordEnd(text []byte) int {
	quoted := false
	for i, c := range text[:min(len(text), maxRecord)] {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			return i + 1
		}
	}
	if !quoted && 0 < len(text) && len(text) < maxRecord {
		return len(text) // the last line has no line feed
	}
	return -1
}

func (s *csvScanner) skipLine() error {
	for {
		_, err := s.b.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func parseCSV(text []byte) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	return r.Read()
}
