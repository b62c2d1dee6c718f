// Package importer reads the users that another system exported, one file here for each format, and gives them to a
// user.Directory. It reads in one pass, and never keeps more of a file than one record.
//
// Files hold password hashes. So no error repeats anything that stands in one: it says where, and what is wrong.
package importer

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Record is one user of a file, or what is wrong with it.
type Record struct {
	At   Place
	User user.User
	Err  error
}

// Place is where a record stands in its file: "line 7".
type Place struct {
	Unit   string
	Number int
}

func (p Place) String() string { return fmt.Sprintf("%s %d", p.Unit, p.Number) }

// Records are the users of a file in its order. An error is the end: what follows cannot be read.
type Records = iter.Seq2[Record, error]

// Format is how a file holds users.
type Format struct {
	Name string
	read func(io.Reader, Parameters) Records
}

// Parameters are what some formats need beside their file.
type Parameters struct {
	// Firebase is the project's hash_config, as the console shows it.
	Firebase string
}

// formats are all that import knows.
var formats = []Format{
	{"jsonl", func(r io.Reader, _ Parameters) Records { return readLines(r) }},
	{"csv", func(r io.Reader, _ Parameters) Records { return readCSV(r) }},
	{"firebase", readFirebase},
}

// Formats returns the names of all formats.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	return names
}

// FormatOf returns the format of a name, or where that is empty, the one that a file's extension says.
func FormatOf(name, path string) (Format, error) {
	if name == "" {
		name = strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
		if name == "ndjson" || path == "-" { // what export writes
			name = "jsonl"
		}
	}
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, fmt.Errorf("the format is one of %s", strings.Join(Formats(), ", "))
	}
	return formats[i], nil
}

// Read returns the records of a file.
func (f Format) Read(r io.Reader, p Parameters) Records { return f.read(r, p) }

// maxRecord bounds one record. A user who uses all that a Directory allows takes a tenth of it.
const maxRecord = 64 << 10

var (
	errLong    = fmt.Errorf("it is longer than %d bytes", maxRecord)
	errUTF8    = errors.New("it is not valid UTF-8")
	errUnknown = fmt.Errorf("it holds a field that is none of %s", strings.Join(fieldNames, ", "))
	errTwice   = errors.New("it holds a field twice")
)
