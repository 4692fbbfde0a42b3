package trace

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// word is one scheduled time of a data source as written.
type word struct {
	letter byte
	errors int64
	takes  time.Duration // 0 for what the schedule says
}

// Letters that are no session state.
const (
	letterNothing = '.' // no run, though the device is on
	letterOff     = '-' // no run: the device is switched off until its next scheduled time
	letterWedged  = 'w' // a run that does not end before the next scheduled time that is another letter
)

// sessions are the letters of session states, with the errors that one counts when nothing is said.
var sessions = map[byte]struct {
	status int
	errors int64
}{
	'c': {columns.StatusCompleted, 0},
	'e': {columns.StatusCompletedWithErrors, 1},
	'f': {columns.StatusFailed, 1},
	'a': {columns.StatusAborted, 0},
	'i': {columns.StatusInterrupted, 0},
	'n': {columns.StatusNotStarted, 0},
	'q': {columns.StatusOverQuota, 0},
	'x': {columns.StatusNoSelection, 0},
	'r': {columns.StatusRestarted, 0},
	'b': {columns.StatusBlocked, 0},
}

// maxRuns bounds what a repetition in a file can ask for: a run each quarter of an hour for a year.
const maxRuns = 35_040

var errTooMany = errors.New("describes more than 35,040 runs; shorten it")

// parseWords reads "10c 1f 3(5c 2-) 2e:62 c/5h": a count before a letter or a group in brackets repeats it, a number
// after a colon is the errors that the run counts, a time after a slash is how long it takes.
//
//	c completed   e completed with errors   f failed   a aborted   i interrupted   n not started   q over quota
//	x no selection   r restarted   b blocked   w still running   . no run   - switched off
func parseWords(text string) ([]word, error) {
	words, rest, err := parseGroup(text, 0)
	switch {
	case err != nil:
		return nil, err
	case rest != "":
		return nil, fmt.Errorf("has %q without its opening bracket", rest)
	}
	return words, nil
}

func parseGroup(text string, depth int) (words []word, rest string, err error) {
	for {
		text = strings.TrimLeft(text, " \t\n")
		if text == "" || text[0] == ')' {
			return words, text, nil
		}
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		times := 1
		if digits > 0 {
			if times, err = strconv.Atoi(text[:digits]); err != nil || times > maxRuns {
				return nil, "", errTooMany
			}
		}
		if text = text[digits:]; text == "" {
			return nil, "", errors.New("ends with a count; say what is counted, for example 3c")
		}
		var one []word
		if text[0] == '(' {
			if depth > 8 {
				return nil, "", errors.New("nests more than eight brackets; write it out")
			}
			one, text, err = parseGroup(text[1:], depth+1)
			if err == nil && !strings.HasPrefix(text, ")") {
				err = errors.New("lacks a closing bracket")
			}
			if err != nil {
				return nil, "", err
			}
			text = text[1:]
		} else if one, text, err = parseWord(text); err != nil {
			return nil, "", err
		}
		if len(words)+times*len(one) > maxRuns {
			return nil, "", errTooMany
		}
		for range times {
			words = append(words, one...)
		}
	}
}

func parseWord(text string) (one []word, rest string, err error) {
	w := word{letter: text[0]}
	session, known := sessions[w.letter]
	if !known && w.letter != letterNothing && w.letter != letterOff && w.letter != letterWedged {
		return nil, "", fmt.Errorf("has %q, which is no run; write c, e, f, a, i, n, q, x, r, b, w, . or -", text[:1])
	}
	w.errors = session.errors
	rest = text[1:]
	if after, counted := strings.CutPrefix(rest, ":"); counted {
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if w.errors, err = strconv.ParseInt(after[:digits], 10, 64); err != nil || !known {
			return nil, "", fmt.Errorf("has %q without a number of errors after a run; write for example e:62", text)
		}
		rest = after[digits:]
	}
	if after, timed := strings.CutPrefix(rest, "/"); timed {
		length := strings.IndexAny(after+" ", " )")
		if w.takes, err = parseDuration(after[:length]); err != nil || !known {
			return nil, "", fmt.Errorf("has %q without a time after a run; write for example c/5h", text)
		}
		rest = after[length:]
	}
	return []word{w}, rest, nil
}

// schedule is when a data source runs.
type schedule struct{ every, at, takes time.Duration }

// runs lays words out in time, and tells when the device is switched off. before is each of the two runs before the
// start: the last one may still run at the first sweep, and then the one before it counts.
func (s schedule) runs(before word, words []word, length time.Duration) (all []Run, off []Interval) {
	words = append([]word{before, before}, words...)
	for i, w := range words {
		start := s.at + time.Duration(i-2)*s.every
		switch w.letter {
		case letterNothing:
		case letterOff:
			off = append(off, Interval{start, start + s.every})
		case letterWedged:
			if i > 0 && words[i-1].letter == letterWedged {
				continue
			}
			next := i
			for next < len(words) && (words[next].letter == letterWedged || words[next].letter == letterNothing) {
				next++
			}
			end := length + s.every
			if next < len(words) {
				end = s.at + time.Duration(next-2)*s.every
			}
			all = append(all, Run{Start: start, End: end, Status: columns.StatusInProcess})
		case 'n', 'x', 'b':
			all = append(all, Run{Start: start, End: start, Status: sessions[w.letter].status, Errors: w.errors})
		default:
			all = append(all, Run{Start: start, End: start + cmp.Or(w.takes, s.takes), Status: sessions[w.letter].status, Errors: w.errors})
		}
	}
	return all, off
}
