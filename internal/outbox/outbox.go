// Package outbox stores mails on this machine, for programs without a mail server: in a folder, or
// as text on the console.
//
//	folder := outbox.Folder(".edgeauth/mail")
//	err := folder.Send(ctx, m)
//	newest, err := folder.Newest(20)
package outbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/smtp"
	edgemail "github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// keep is the number of mails that stay in a folder.
const keep = 200

// extension is the extension of a file with a mail.
const extension = ".eml"

// ownName is the form of the names of written files. A folder may also hold other mails of the
// user, which must not be removed.
var ownName = regexp.MustCompile(`^\d{8}T\d{6}\.\d{9}Z-[A-Z2-7]{8}\` + extension + `$`)

// Folder is a folder with one file for each mail, which mail programs can open. Only the user of the
// process may read the files, since they hold codes. It is safe for concurrent use, also by several
// processes.
type Folder string

// Send implements mail.Sender. It creates the folder, and removes the oldest of its files if there
// are too many.
func (f Folder) Send(_ context.Context, m edgemail.Mail) error {
	var text bytes.Buffer
	if err := smtp.Write(&text, m); err != nil {
		return err
	}
	if err := f.write(text.Bytes()); err != nil {
		return &edgemail.Failure{Reason: edgemail.ReasonSender, Detail: "cannot write to the folder of mails"}
	}
	names, err := f.names()
	for err == nil && len(names) > keep {
		_ = os.Remove(filepath.Join(string(f), names[0]))
		names = names[1:]
	}
	return nil
}

// write first writes a file under another name, so that a reader never finds half a mail. Names
// sort by time.
func (f Folder) write(text []byte) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	name := filepath.Join(string(f), time.Now().UTC().Format("20060102T150405.000000000Z")+"-"+rand.Text()[:8])
	if err := os.WriteFile(name+".tmp", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name+extension)
}

// names returns the names of the files that Send wrote, the oldest first.
func (f Folder) names() ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries { // sorted by name
		if !e.IsDir() && ownName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Entry is a mail in a folder.
type Entry struct {
	ID      string    `json:"id"` // the name of its file
	Time    time.Time `json:"time"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
}

// Newest returns at most n mails, the newest first. It leaves out files that are no mails.
func (f Folder) Newest(n int) ([]Entry, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	entries := []Entry{}
	for _, name := range slices.Backward(names) {
		if len(entries) == n {
			break
		}
		text, err := os.ReadFile(filepath.Join(string(f), name))
		if err != nil {
			continue // another process removed it
		}
		if e, err := read(text); err == nil {
			e.ID = name
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// read reads a mail that Send wrote.
func read(text []byte) (Entry, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return Entry{}, err
	}
	var words mime.WordDecoder
	header := func(name string) string {
		if text, err := words.DecodeHeader(msg.Header.Get(name)); err == nil {
			return text
		}
		return msg.Header.Get(name)
	}
	e := Entry{From: header("From"), To: strings.Trim(header("To"), "<>"), Subject: header("Subject")}
	if e.Time, err = msg.Header.Date(); err != nil {
		return Entry{}, err
	}
	e.Time = e.Time.UTC()
	_, parameters, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return Entry{}, err
	}
	for parts := multipart.NewReader(msg.Body, parameters["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return e, nil
		}
		if err != nil {
			return Entry{}, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return Entry{}, err
		}
		plain := strings.ReplaceAll(string(body), "\r\n", "\n")
		if kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind == "text/html" {
			e.HTML = plain
		} else {
			e.Text = plain
		}
	}
}

// Console writes mails as text, for a person who reads the console. It is safe for concurrent use.
type Console struct {
	mu sync.Mutex
	To io.Writer
}

// Send implements mail.Sender.
func (c *Console) Send(_ context.Context, m edgemail.Mail) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintf(c.To, "--- mail ---\nTo: %s\nSubject: %s\n\n%s--- end of mail ---\n", m.To, m.Subject, m.Text)
	if err != nil {
		return &edgemail.Failure{Reason: edgemail.ReasonSender, Detail: "cannot write to the console"}
	}
	return nil
}
