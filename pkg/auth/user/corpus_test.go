package user_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// corpus returns more than a thousand addresses of kinds that have confused programs: scripts,
// cases, widths, marks, right-to-left text, trailing dots, and domains in Unicode and in ASCII.
func corpus() []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for i, word := range strings.Fields("ada zoë ZOË ﬁne straße STRASSE ΟΔΟΣ οδος οδοσ Иван иван 王小明 ｗｉｄｅ WIDE ümlaut uͤmlaut İpek ipek ıpek " +
		"عمر דוד क्षि ไทย ꟼix ǅon Ǆon ﷺ 한글 ᄒ ỖS ỗs ſecret Kelvin Åke Åke o'neil a.b a..b .a a. +tag a+tag \"q@q\"") {
		for _, domain := range strings.Fields("example.com EXAMPLE.com example.com. exa-mple.com xn--bcher-kva.example bücher.example BÜCHER.example " +
			"bücher.example. 例え.jp ｅｘａｍｐｌｅ.com مثال.إختبار [127.0.0.1] [IPv6:::1] localhost a。b") {
			add("%s@%s", word, domain)
		}
		add("%s@%d.example", strings.Repeat(word, 3), i)
		add("%s\u0301\u0323@marks.example", word)
		add("%s\u0323\u0301@marks.example", word)
		add("\u202e%s@rtl.example", word)
		add("%s\u200d@joined.example", word)
	}
	for r := rune(0x300); r < 0x370; r++ {
		add("a%c@one.example", r)
		add("A%c@one.example", r)
	}
	return all
}

// No two accounts of the corpus share a form, and addresses that share a form share an account.
func TestCorpusMakesNoTwoAccountsOfOneForm(t *testing.T) {
	all := corpus()
	if len(all) < 1000 {
		t.Fatalf("%d addresses", len(all))
	}
	// form is the form in which two accounts look the same to their owners: folded character by
	// character, in all cases, and composed. It does not use NormalizeEmail.
	form := func(text string) string {
		text = norm.NFC.String(strings.TrimSpace(text))
		for range 3 {
			text = norm.NFC.String(strings.Map(unicode.ToLower, text))
		}
		// One domain has many spellings. These are the spellings of the corpus.
		local, domain := text[:strings.LastIndex(text, "@")], text[strings.LastIndex(text, "@"):]
		domain = strings.NewReplacer("xn--bcher-kva", "bücher", "。", ".").Replace(norm.NFKC.String(domain))
		return local + strings.TrimSuffix(domain, ".")
	}
	d, owner, accounts := newDirectory(t), map[string]string{"ada@example.com": "the directory's own"}, 0
	for _, text := range all {
		key, err := user.NormalizeEmail(text)
		if err != nil || user.CheckEmail(text) != nil {
			continue
		}
		_, err = d.Add(t.Context(), text, good, nil)
		first, taken := owner[form(text)]
		if taken == (err == nil) {
			t.Errorf("%+q with the key %+q: %v, and its form is %+q's", text, key, err, first)
		}
		if err == nil {
			owner[form(text)] = text
			accounts++
		}
	}
	t.Logf("%d addresses make %d accounts", len(all), accounts)
	if accounts < 300 || accounts == len(all) {
		t.Errorf("%d accounts of %d addresses", accounts, len(all))
	}
}
