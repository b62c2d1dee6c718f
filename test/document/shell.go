package document

import (
	"regexp"
	"slices"
	"strings"
)

// Unknown stands in a word for a part that only the shell or the reader knows: $name, $(command) or
// <placeholder>.
const Unknown = "<unknown>"

// Command is a simple command of a script: a program and its arguments.
type Command []string

// Program returns the name of the program. That of bin/edgeauth is edgeauth.
func (c Command) Program() string { return strings.TrimPrefix(c[0], "bin/") }

// Script is what a script of a page runs.
type Script struct {
	Commands  []Command
	Functions []string // the names of the functions that it defines
}

// placeholder is a part of a command that the reader replaces, as in <the output RoleArn>. A
// redirection has a space before the next one.
var placeholder = regexp.MustCompile(`^<[A-Za-z][^<>\n]*[^<>\s]>`)

var (
	assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)
	variable   = regexp.MustCompile(`^\$(?:\w+|\{[^}]*\}|[?#@*!-])`)
	heredoc    = regexp.MustCompile(`^<<-?\s*['"]?(\w+)['"]?`)
	redirect   = regexp.MustCompile(`^\d?(?:>>|>&|<&|>|<)[ \t]*`)
	keywords   = []string{"do", "done", "if", "then", "else", "elif", "fi", "while", "until", "{", "}", "!"}
)

// Parse returns the commands of a script in bash, also those inside of $(...). It knows what the
// pages use: quotes, comments, continued lines, pipes, lists, loops, functions, redirections and
// here-documents.
func Parse(script string) Script {
	p := &shellParser{in: script}
	p.list("")
	return p.out
}

type shellParser struct {
	in      string
	out     Script
	endings []string // of here-documents that begin after this line
}

// list reads commands until the closing bracket, or to the end.
func (p *shellParser) list(closing string) {
	var words Command
	isLoop := false
	end := func() {
		for len(words) > 0 && (assignment.MatchString(words[0]) || slices.Contains(keywords, words[0])) {
			words = words[1:]
		}
		if len(words) > 3 && words[0] == "watch" && words[1] == "-n" {
			words = words[3:]
		}
		if len(words) > 0 && !isLoop {
			p.out.Commands = append(p.out.Commands, words)
		}
		words, isLoop = nil, false
	}
	for p.in != "" {
		c := p.in[0]
		switch {
		case closing != "" && strings.HasPrefix(p.in, closing):
			p.in = p.in[1:]
			end()
			return
		case strings.HasPrefix(p.in, "\\\n"):
			p.in = p.in[2:]
		case c == '\n':
			end()
			p.in = p.in[1:]
			p.skipDocuments()
		case c == ' ' || c == '\t' || c == '\r':
			p.in = p.in[1:]
		case c == ';' || c == '&' || c == '|':
			end()
			p.in = p.in[1:]
		case c == '#':
			p.in = p.in[len(line(p.in)):]
		case c == '(':
			p.in = p.in[1:]
			p.list(")")
		case c == ')':
			p.in = p.in[1:]
		case strings.HasPrefix(p.in, `"$@"`): // any number of words, perhaps none
			p.in = p.in[4:]
		case heredoc.MatchString(p.in):
			m := heredoc.FindStringSubmatch(p.in)
			p.endings = append(p.endings, m[1])
			p.in = p.in[len(m[0]):]
		case redirect.MatchString(p.in) && !placeholder.MatchString(p.in):
			p.in = p.in[len(redirect.FindString(p.in)):]
			p.word() // the file
		default:
			word := p.word()
			if strings.HasPrefix(p.in, "()") {
				p.in = p.in[2:]
				p.out.Functions = append(p.out.Functions, word)
				continue
			}
			for len(words) > 0 && slices.Contains(keywords, words[0]) {
				words = words[1:]
			}
			isLoop = isLoop || len(words) == 0 && word == "for"
			words = append(words, word)
		}
	}
	end()
}

// skipDocuments skips the here-documents that begin on this line.
func (p *shellParser) skipDocuments() {
	for _, ending := range p.endings {
		for p.in != "" {
			text := line(p.in)
			p.in = strings.TrimPrefix(p.in[len(text):], "\n")
			if strings.TrimSpace(text) == ending {
				break
			}
		}
	}
	p.endings = nil
}

func line(text string) string {
	before, _, _ := strings.Cut(text, "\n")
	return before
}

// word reads a word, without its quotes.
func (p *shellParser) word() string {
	var word strings.Builder
	for p.in != "" {
		c := p.in[0]
		switch {
		case strings.ContainsRune(" \t\r\n;&|()>", rune(c)):
			return word.String()
		case placeholder.MatchString(p.in):
			p.in = p.in[len(placeholder.FindString(p.in)):]
			word.WriteString(Unknown)
		case c == '<':
			return word.String()
		case c == '\\':
			word.WriteString(p.in[1:min(2, len(p.in))])
			p.in = p.in[min(2, len(p.in)):]
		case c == '\'':
			text, rest, _ := strings.Cut(p.in[1:], "'")
			word.WriteString(text)
			p.in = rest
		case c == '"':
			p.in = p.in[1:]
			for p.in != "" && p.in[0] != '"' {
				switch {
				case strings.HasPrefix(p.in, "\\\n"):
					p.in = p.in[2:]
				case p.in[0] == '\\' && len(p.in) > 1 && strings.ContainsRune("\"\\$`", rune(p.in[1])):
					word.WriteByte(p.in[1])
					p.in = p.in[2:]
				case p.in[0] == '$':
					word.WriteString(p.expansion())
				case placeholder.MatchString(p.in):
					p.in = p.in[len(placeholder.FindString(p.in)):]
					word.WriteString(Unknown)
				default:
					word.WriteByte(p.in[0])
					p.in = p.in[1:]
				}
			}
			p.in = strings.TrimPrefix(p.in, `"`)
		case c == '$':
			word.WriteString(p.expansion())
		default:
			word.WriteByte(c)
			p.in = p.in[1:]
		}
	}
	return word.String()
}

// expansion reads what begins with a dollar, and the commands in it.
func (p *shellParser) expansion() string {
	if rest, ok := strings.CutPrefix(p.in, "$("); ok {
		p.in = rest
		p.list(")")
		return Unknown
	}
	if m := variable.FindString(p.in); m != "" {
		p.in = p.in[len(m):]
		return Unknown
	}
	p.in = p.in[1:]
	return "$"
}
