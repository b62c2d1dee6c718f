package throttle

import (
	"reflect"
	"testing"
	"time"
)

// greedy counts the attempts of an attacker who tries at every tick in [from, from+d), without
// earlier attempts.
func greedy(l Limit, shift uint64, from time.Time, d time.Duration) int {
	granted, counters := 0, map[int64]*Counter{}
	for at := from; at.Before(from.Add(d)); at = at.Add(time.Millisecond) {
		number, end := l.window(shift, at)
		c := counters[number]
		if c == nil {
			c = &Counter{}
			counters[number] = c
		}
		for l.Take(at, end, "").Do(c) {
			granted++
		}
	}
	return granted
}

// No attacker gets more attempts than Most, and for some start a greedy attacker gets exactly as
// many.
func TestMostIsWhatAGreedyAttackerGets(t *testing.T) {
	const ms = time.Millisecond
	for _, l := range []Limit{
		{Free: 1, Delay: ms, MaxDelay: ms, Window: 7 * ms},
		{Free: 2, Delay: ms, MaxDelay: 4 * ms, Window: 20 * ms},
		{Free: 3, Delay: 2 * ms, MaxDelay: 11 * ms, Window: 40 * ms},
		{Free: 5, Delay: 3 * ms, MaxDelay: 3 * ms, Window: 10 * ms},
		{Free: 4, Delay: 5 * ms, MaxDelay: 30 * ms, Window: 31 * ms},
	} {
		for d := ms; d <= 90*ms; d += 4 * ms {
			best := 0
			for begin := range l.Window / ms {
				best = max(best, greedy(l, 13, time.UnixMilli(1_000_000).Add(begin*ms), d))
			}
			if got := l.Most(d); got != best {
				t.Errorf("%+v in %v: %d, and a greedy attacker gets %d", l, d, got, best)
			}
		}
	}
}

// The write has the conditions that the text of Limit describes.
func TestTakeIsTheLimit(t *testing.T) {
	l := Limit{Free: 3, Delay: time.Second, MaxDelay: 5 * time.Second, Window: time.Hour}
	needs := []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for n, need := range needs {
		for by := -time.Millisecond; by <= time.Millisecond; by += time.Millisecond {
			c := Counter{N: n, Last: at.Add(-need - by)}
			before := c
			granted := l.Take(at, at.Add(time.Hour), "").Do(&c)
			if want := n < l.Free || by >= 0; granted != want {
				t.Errorf("%d granted, the last %v ago: %t", n, need+by, granted)
			}
			after := Counter{N: n + 1, Last: at, Expires: at.Add(time.Hour)}
			if granted && !reflect.DeepEqual(c, after) || !granted && !reflect.DeepEqual(c, before) {
				t.Errorf("%d granted: %+v", n, c)
			}
			if wait := l.retryAfter(before, "", at, at.Add(time.Hour)); !granted && wait != time.Second {
				t.Errorf("%d granted, %v to go: wait %v", n, -by, wait)
			}
		}
	}
	late := Counter{N: 50, Last: at}
	for _, row := range []struct{ end, want time.Duration }{
		{time.Hour, 5 * time.Second}, {4001 * time.Millisecond, 5 * time.Second}, {4 * time.Second, 4 * time.Second},
	} {
		if got := l.retryAfter(late, "", at, at.Add(row.end)); got != row.want {
			t.Errorf("the window ends in %v: wait %v, want %v", row.end, got, row.want)
		}
	}
}

// The windows of a key follow each other without a gap. The windows of another key start at other
// times.
func TestWindows(t *testing.T) {
	l := Limit{Window: time.Hour}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	number, end := l.window(123_456_789_012_345, at)
	if !end.After(at) || end.Sub(at) > l.Window {
		t.Errorf("it ends %v", end)
	}
	if last, same := l.window(123_456_789_012_345, end.Add(-time.Millisecond)); last != number || same != end {
		t.Errorf("its last instant lies in %d until %v", last, same)
	}
	if next, nextEnd := l.window(123_456_789_012_345, end); next != number+1 || nextEnd != end.Add(l.Window) {
		t.Errorf("behind it is %d until %v", next, nextEnd)
	}
	if _, other := l.window(1, at); other == end {
		t.Error("two keys' windows end together")
	}
}

// The reserved attempts are granted once to each source without an attempt, and to no source that
// comes again.
func TestReserve(t *testing.T) {
	l := Limit{Free: 15, Reserve: 9, Delay: 24 * time.Hour, MaxDelay: 24 * time.Hour, Window: 24 * time.Hour}
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var c Counter
	take := func(source string) bool { return l.Take(at, at.Add(l.Window), source).Do(&c) }
	for i := range 20 {
		if granted := take("AA"); granted != (i < 6) {
			t.Errorf("attempt %d of the first source: granted %t", i+1, granted)
		}
	}
	if wait := l.retryAfter(c, "AA", at, at.Add(time.Hour)); wait != time.Hour {
		t.Errorf("the first source waits %v, want until the end of the window", wait)
	}
	for i := range 10 {
		source := string(rune('a'+i)) + "A"
		if granted := take(source); granted != (i < 9) {
			t.Errorf("source %d: granted %t", i+2, granted)
		}
		if take(source) {
			t.Errorf("source %d is granted what is kept for others", i+2)
		}
	}
	if got, want := l.Most(24*time.Hour), 30; c.N != 15 || got != want {
		t.Errorf("%d granted, at most %d in any 24 hours, want 15 and %d", c.N, got, want)
	}
	if (Limit{Free: 5, Reserve: 5, Delay: time.Second, MaxDelay: time.Second, Window: time.Hour}).Validate() == nil {
		t.Error("a limit that keeps all attempts for later sources is taken")
	}
}
