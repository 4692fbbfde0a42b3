package cove

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/errclass"
)

// Limits bound what SessionErrors reads of one data source.
type Limits struct {
	Sessions int // newest sessions looked at; 0 means 30 on a storage node, 200 at the reporting service
	Errors   int // errors read of the session found; 0 means 100
}

const (
	nodeSessions   = 30
	m365Sessions   = 200
	m365Pages      = 5
	sessionErrors  = 100
	maxMessage     = 1000 // runes of an error's text
	maxItem        = 400  // runes of an error's item
	backupSessions = "Backup"
)

// TroubledSession is the newest finished session of a data source that did not complete cleanly.
type TroubledSession struct {
	SessionID int64
	Source    string         // "D01"
	Status    string         // the vendor's name; Completed too, when errors are counted beside it
	Started   time.Time      // zero when unknown
	Ended     time.Time      // zero when unknown
	Errors    []SessionError // distinct ones, newest first, at most Limits.Errors
	Total     int64          // errors of the session, those beyond the limit included
}

// SessionError is one distinct error of a session.
type SessionError struct {
	Code  string    // the vendor's number or name for it ("1800", "MailboxNotEnabledForRESTAPI"), or ""
	Text  string    // cleaned of wrapping, at most 1,000 characters
	Item  string    // the file, or for Microsoft 365 the mailbox, user or site; or ""
	Count int64     // occurrences in the session, at least 1
	Time  time.Time // of the latest occurrence; that of the session when the error has none
}

// SessionErrors returns the newest session of a data source ("D01", "D19") since a moment that is over, is not
// completed cleanly and has no later session that is, with its errors. It reports false when there is none,
// which is no error. The account must come from Account. The sessions of systems are asked of the device's
// storage node, those of Microsoft 365 of the reporting service.
func (c *Client) SessionErrors(ctx context.Context, account Account, source string, since time.Time, limits Limits) (TroubledSession, bool, error) {
	about, _ := columns.SourceOf(source)
	if limits.Errors <= 0 {
		limits.Errors = sessionErrors
	}
	var history sessionHistory
	switch {
	case about.M365:
		history = m365History{client: c, account: account, source: about}
	case len(about.PluginIDs) > 0:
		node, err := c.nodes.url(account.Node)
		if err != nil {
			return TroubledSession{}, false, fmt.Errorf("reading sessions of device %d: %w", account.ID, err)
		}
		history = nodeHistory{client: c, account: account, source: about, url: node}
	default:
		return TroubledSession{}, false, errclass.Newf(errclass.Rejected, "reading sessions", "%s (%s) has no list of sessions", about.Name, about.Code)
	}
	sessions, err := history.sessions(ctx, since, limits.Sessions)
	if err != nil {
		return TroubledSession{}, false, fmt.Errorf("reading sessions of device %d, %s: %w", account.ID, about.Name, err)
	}
	found, ok := newestTroubled(sessions, since)
	if !ok {
		return TroubledSession{}, false, nil
	}
	errs, err := history.errors(ctx, found, limits.Errors)
	if err != nil {
		return TroubledSession{}, false, fmt.Errorf("reading errors of device %d, %s, session %d: %w", account.ID, about.Name, found.id, err)
	}
	troubled := TroubledSession{
		SessionID: found.id,
		Source:    about.Code,
		Status:    found.status,
		Started:   found.started,
		Ended:     found.ended,
		Errors:    distinct(errs, found, []Secret{account.Token}),
	}
	for _, e := range troubled.Errors {
		troubled.Total += e.Count
	}
	troubled.Total = max(troubled.Total, found.errors)
	return troubled, true, nil
}

// sessionHistory is a place that keeps the sessions of one data source of one device.
type sessionHistory interface {
	// sessions returns the newest sessions, in any order.
	sessions(ctx context.Context, since time.Time, limit int) ([]session, error)
	// errors returns errors of one session, with texts as they came.
	errors(ctx context.Context, of session, limit int) ([]SessionError, error)
}

// session is what both kinds of session records have in common.
type session struct {
	id      int64
	status  string // the vendor's name
	started time.Time
	ended   time.Time
	errors  int64
	ignored bool // a restore, or of another data source
}

// statusName turns a status that came as a number into the vendor's name.
func statusName(value text) string {
	if status, ok := columns.ParseStatus(string(value)); ok {
		return status.Name
	}
	return cut(printable(string(value)), 40)
}

// newestTroubled finds the newest backup session that is over and did not complete cleanly, unless a later one
// did. A running session says nothing yet; one that runs with faults has its errors already.
func newestTroubled(sessions []session, since time.Time) (session, bool) {
	sessions = slices.Clone(sessions)
	slices.SortStableFunc(sessions, func(a, b session) int {
		return cmp.Or(b.moment().Compare(a.moment()), cmp.Compare(b.id, a.id))
	})
	for _, s := range sessions {
		status, _ := columns.ParseStatus(s.status)
		switch {
		case s.ignored || status.Code == columns.StatusInProcess:
			continue
		case !s.moment().IsZero() && s.moment().Before(since):
			return session{}, false
		case status.Code == columns.StatusCompleted && s.errors == 0:
			return session{}, false
		default:
			return s, true
		}
	}
	return session{}, false
}

// moment places a session in time: one that never started has only an end.
func (s session) moment() time.Time {
	if s.started.IsZero() {
		return s.ended
	}
	return s.started
}

// distinct cleans the texts of errors and folds those that are the same into one, newest first.
func distinct(errs []SessionError, of session, secrets []Secret) []SessionError {
	type key struct{ code, text, item string }
	at := map[key]int{}
	var folded []SessionError
	for _, e := range errs {
		m := cleanMessage(e.Text)
		e.Text = cut(redactKnown(m.text, secrets...), maxMessage)
		e.Code = cmp.Or(e.Code, cut(m.code, maxItem))
		e.Item = cut(redactKnown(cmp.Or(tidy(e.Item), m.entity, m.path), secrets...), maxItem)
		e.Count = max(1, e.Count)
		for _, moment := range []time.Time{of.ended, of.started} {
			if e.Time.IsZero() {
				e.Time = moment
			}
		}
		if i, seen := at[key{e.Code, e.Text, e.Item}]; seen {
			folded[i].Count += e.Count
			if e.Time.After(folded[i].Time) {
				folded[i].Time = e.Time
			}
			continue
		}
		at[key{e.Code, e.Text, e.Item}] = len(folded)
		folded = append(folded, e)
	}
	slices.SortStableFunc(folded, func(a, b SessionError) int { return b.Time.Compare(a.Time) })
	return folded
}
