package mail

import (
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	text "text/template"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

//go:embed templates
var shipped embed.FS

// defaultLocale has every template.
const defaultLocale = "en"

// Templates holds the texts of mails, in one or more languages. It is safe for concurrent use.
type Templates struct {
	locales map[string]texts // by the tag in lower case
}

// texts are the templates of one language.
type texts struct {
	text map[Kind]*text.Template // the first line is the subject
	html map[Kind]*html.Template
}

// content is what a template can use. The address is its only text that a client wrote.
type content struct {
	Name      string // name of the product
	To        string // the address, as its owner writes it
	Code      string // empty for a kind without one
	Reference string
	Link      string // of the page, with the code in its fragment; empty if none is configured
	Page      string // Link without fragment
	Minutes   int    // for which the code is valid
}

// codeMinutes is how long a code is valid. A test compares it with package flow.
const codeMinutes = 10

// LoadTemplates returns the shipped templates, overridden by the files of a folder. The folder has
// one folder for each language, named by its tag in lower case, such as de or pt-br. Each language
// may have these files, in the languages of packages text/template and html/template:
//
//	signup.txt login.txt reset.txt taken.txt       "Subject: ...", an empty line, and the text
//	signup.html login.html reset.html taken.html   the same as a page
//	layout.html                                    what the pages share: the templates top, code and bottom
//
// For a missing file, LoadTemplates uses the shipped file in English. folder may be nil. The error
// names a file that is invalid or that no mail uses.
func LoadTemplates(folder fs.FS) (*Templates, error) {
	own, err := fs.Sub(shipped, "templates")
	if err != nil {
		return nil, err
	}
	t := &Templates{make(map[string]texts)}
	tags := []string{defaultLocale}
	if folder != nil {
		entries, err := fs.ReadDir(folder, ".")
		if err != nil {
			return nil, fmt.Errorf("mail: the folder of templates: %w", err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			if !isTag(e.Name()) {
				return nil, fmt.Errorf("mail: the folder %q of templates is not a language (want a tag in lower case such as de or pt-br)", e.Name())
			}
			if err := checkNames(folder, e.Name()); err != nil {
				return nil, err
			}
			if e.Name() != defaultLocale {
				tags = append(tags, e.Name())
			}
		}
	}
	for _, tag := range tags {
		if t.locales[tag], err = load(own, folder, tag); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// checkNames refuses a file that no mail uses: with a misspelt name, the shipped text would
// otherwise be used. It ignores files whose names begin with a dot, such as editors' files.
func checkNames(folder fs.FS, tag string) error {
	known := []string{"layout.html"}
	for k := range kinds {
		if k != KindNone {
			known = append(known, string(k)+".html", string(k)+".txt")
		}
	}
	slices.Sort(known)
	entries, err := fs.ReadDir(folder, tag)
	if err != nil {
		return fmt.Errorf("mail: the templates of %s: %w", tag, err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(known, e.Name()) {
			return fmt.Errorf("mail: unknown template %q (want %s)", path.Join(tag, e.Name()), strings.Join(known, ", "))
		}
	}
	return nil
}

// load reads the templates of one language, and tries each template.
func load(own, folder fs.FS, tag string) (texts, error) {
	read := func(name string) (body, from string, err error) {
		for _, at := range []struct {
			fs  fs.FS
			tag string
		}{{folder, tag}, {own, tag}, {folder, defaultLocale}, {own, defaultLocale}} {
			if at.fs == nil {
				continue
			}
			from = path.Join(at.tag, name)
			b, err := fs.ReadFile(at.fs, from)
			if err == nil {
				return string(b), from, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", from, fmt.Errorf("mail: the template %s: %w", from, err)
			}
		}
		return "", from, fmt.Errorf("mail: the template %s is missing", from)
	}
	t := texts{make(map[Kind]*text.Template), make(map[Kind]*html.Template)}
	layout, layoutFrom, err := read("layout.html")
	if err != nil {
		return t, err
	}
	for k, hasCode := range kinds {
		if k == KindNone {
			continue
		}
		plain, from, err := read(string(k) + ".txt")
		if err != nil {
			return t, err
		}
		if t.text[k], err = text.New(from).Option("missingkey=error").Parse(plain); err != nil {
			return t, fmt.Errorf("mail: the template %s: %w", from, err)
		}
		page, pageFrom, err := read(string(k) + ".html")
		if err != nil {
			return t, err
		}
		if t.html[k], err = html.New(layoutFrom).Parse(layout); err != nil {
			return t, fmt.Errorf("mail: the template %s: %w", layoutFrom, err)
		}
		if t.html[k], err = t.html[k].New(pageFrom).Parse(page); err != nil {
			return t, fmt.Errorf("mail: the template %s: %w", pageFrom, err)
		}
		if err := t.try(k, hasCode); err != nil {
			return t, err
		}
	}
	return t, nil
}

// try renders a sample with and without a link, so that a template that cannot be rendered stops
// the start, and does not fail a sign-up later.
func (t texts) try(k Kind, hasCode bool) error {
	m := Message{Kind: k, To: "ada@example.com", Reference: "BCDF"}
	if hasCode {
		m.Code = auth.NewSecret("01234567")
	}
	for _, link := range []string{"", "https://app.example.com/auth"} {
		var out Mail
		if err := t.render(m, "Example", link, &out); err != nil {
			return err
		}
		switch code := m.Code.Reveal(); {
		case hasCode && (!strings.Contains(out.Text, code) || !strings.Contains(out.HTML, code)):
			return fmt.Errorf("mail: the template %s does not show the code", t.without(k, out, code))
		case hasCode && !(strings.Contains(out.Text, m.Reference) && strings.Contains(out.HTML, m.Reference)):
			return fmt.Errorf("mail: the template %s does not show the reference", t.without(k, out, m.Reference))
		}
	}
	return nil
}

// without returns the name of the template of a kind whose output lacks part.
func (t texts) without(k Kind, out Mail, part string) string {
	if !strings.Contains(out.Text, part) {
		return t.text[k].Name()
	}
	return t.html[k].Name()
}

// render sets the locale, the subject and both texts of out.
func (t *Templates) render(m Message, name, page string, out *Mail) error {
	out.Locale = t.locale(m.Locale)
	return t.locales[out.Locale].render(m, name, page, out)
}

func (t texts) render(m Message, name, page string, out *Mail) error {
	code := m.Code.Reveal()
	c := content{Name: name, To: m.To, Code: code, Reference: m.Reference, Page: page, Link: page, Minutes: codeMinutes}
	if page != "" && code != "" {
		c.Link = page + "#code=" + code + "&ref=" + m.Reference
	}
	var plain, markup strings.Builder
	if err := t.text[m.Kind].Execute(&plain, c); err != nil {
		return unrendered(t.text[m.Kind].Name())
	}
	if err := t.html[m.Kind].Execute(&markup, c); err != nil {
		return unrendered(t.html[m.Kind].Name())
	}
	head, body, ok := strings.Cut(strings.ReplaceAll(plain.String(), "\r\n", "\n"), "\n\n")
	subject, isSubject := strings.CutPrefix(head, "Subject: ")
	switch {
	case !ok || !isSubject || !oneLine(subject) || strings.TrimSpace(subject) == "" || len(subject) > maxSubjectBytes:
		return fmt.Errorf("mail: the template %s must begin with a line \"Subject: ...\" of at most %d bytes and an empty line", t.text[m.Kind].Name(), maxSubjectBytes)
	case code != "" && strings.Contains(subject, code):
		// Servers keep and report subjects: the events of bounces contain them.
		return fmt.Errorf("mail: the template %s shows the code in the subject", t.text[m.Kind].Name())
	case m.To != "" && strings.Contains(subject, m.To):
		return fmt.Errorf("mail: the template %s shows the address in the subject", t.text[m.Kind].Name())
	}
	out.Subject, out.Text, out.HTML = subject, body, markup.String()
	return nil
}

const maxSubjectBytes = 200

// unrendered omits the error of the template, which may contain the code or the address.
func unrendered(name string) error {
	return fmt.Errorf("mail: the template %s cannot be rendered (want the fields Name, To, Code, Reference, Link, Page and Minutes, and in pages the templates of layout.html: top, code and bottom)", name)
}

// isTag reports whether a text has the form of a language tag in lower case.
func isTag(text string) bool {
	return text != "" && len(text) <= maxLocaleBytes && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		!strings.HasPrefix(text, "-") && !strings.HasSuffix(text, "-")
}

// locale returns the language of a message by lookup (RFC 4647, section 3.4): the tag itself, then
// the tag without its last parts. asked may be a list in the order of preference, as in the header
// Accept-Language; weights are ignored. The text comes from clients, so it only selects one of the
// loaded languages.
func (t *Templates) locale(asked string) string {
	for one := range strings.SplitSeq(asked, ",") {
		tag, _, _ := strings.Cut(one, ";")
		tag = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(tag)), "_", "-")
		for tag != "" {
			if _, ok := t.locales[tag]; ok {
				return tag
			}
			tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
		}
	}
	return defaultLocale
}
