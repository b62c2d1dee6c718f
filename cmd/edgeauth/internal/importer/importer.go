// Package importer imports the users that another system exported into a user.Directory. Each
// format has its own file here.
//
//	format, err := importer.FormatOf("", "users.csv")
//	options := importer.Options{Directory: directory, Workers: 64, Failed: report}
//	i := importer.Import{Options: options}
//	err = i.Run(ctx, format.Read(file, importer.Parameters{}))
//
// A file is read in one pass, one record at a time. Files contain password hashes, so no error
// repeats any content of a file: it says where the record is and what is wrong.
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

// Record is one user of a file. Err says what is wrong with the record; User is then not valid.
type Record struct {
	At   Place
	User user.User
	// Notes say which data about the user the import leaves out.
	Notes []Note
	Err   error
}

// Note says what an import leaves out of a user: "have a second factor, which is not imported".
type Note string

// Place is the position of a record in its file, for example "line 7".
type Place struct {
	Unit   string
	Number int
}

func (p Place) String() string { return fmt.Sprintf("%s %d", p.Unit, p.Number) }

// Records are the users of a file in order. An error ends them: the rest of the file cannot be
// read.
type Records = iter.Seq2[Record, error]

// Format is a file format.
type Format struct {
	Name string
	read func(io.Reader, Parameters) Records
}

// Parameters are additional inputs of some formats.
type Parameters struct {
	// Firebase is the project's hash_config, as the Firebase console shows it.
	Firebase string
}

// formats are all formats of Formats.
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

// FormatOf returns the format with this name. If name is empty, the extension of path decides; path
// "-" means jsonl.
func FormatOf(name, path string) (Format, error) {
	extension := ""
	if name == "" {
		extension = strings.ToLower(filepath.Ext(path))
		name = strings.TrimPrefix(extension, ".")
		if name == "ndjson" || path == "-" { // export writes jsonl
			name = "jsonl"
		}
	}
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	switch names := strings.Join(Formats(), ", "); {
	case i >= 0:
		return formats[i], nil
	case extension == ".json":
		return Format{}, errors.New("a .json file may have several formats: pass --format firebase for an export of Firebase, or --format jsonl if each line is an object")
	case name == extension:
		return Format{}, fmt.Errorf("the file has no extension that names its format: pass --format (want %s)", names)
	case extension != "":
		return Format{}, fmt.Errorf("the extension %q names no format: pass --format (want %s)", extension, names)
	}
	return Format{}, fmt.Errorf("unknown format %q (want %s)", name, strings.Join(Formats(), ", "))
}

// Read returns the records of a file. Parameters are needed by the format firebase.
func (f Format) Read(r io.Reader, p Parameters) Records { return f.read(r, p) }

// maxRecord bounds one record. The largest user that a Directory accepts takes half of this size.
const maxRecord = 64 << 10

var (
	errLong    = fmt.Errorf("longer than %d bytes", maxRecord)
	errUTF8    = errors.New("not valid UTF-8")
	errUnknown = fmt.Errorf("unknown field (want %s)", strings.Join(fieldNames, ", "))
	errTwice   = errors.New("a field occurs twice")
)
