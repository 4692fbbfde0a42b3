package desk

import (
	"fmt"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/errclass"
)

// SettingError is a value of the tenant's settings that ConnectWise does not have, or that may not be looked up there.
type SettingError struct {
	Key string // path in the tenant's document, with the rule that it is in: `tickets.routing[0].set.owner (rule "night")`
	Err error
}

// Error returns the key and what is wrong with its value.
func (e SettingError) Error() string { return e.Key + ": " + e.Err.Error() }

// SettingErrors are all that were found wrong at once; never none.
type SettingErrors []SettingError

// Error returns them in one line.
func (all SettingErrors) Error() string {
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the causes, of which the first has the class.
func (all SettingErrors) Unwrap() []error {
	causes := make([]error, len(all))
	for i, e := range all {
		causes[i] = e.Err
	}
	return causes
}

// wrong is the refusal of a setting's value.
func wrong(key, format string, args ...any) error {
	return SettingErrors{{Key: key, Err: errclass.Newf(errclass.Rejected, "", format, args...)}}
}

// lookingUp names the setting for which a table was read that ConnectWise does not give: the role of the API member may not
// read it, or the question is refused. Without the key it would be trouble about looking up as such, which the next ticket
// that needs other names ends.
func lookingUp(key string, err error) error {
	if !refused(err) {
		return err
	}
	return SettingErrors{{Key: key, Err: err}}
}

// refused reports whether a lookup failed for a reason that trying again does not mend, other than wrong keys.
func refused(err error) bool {
	class := errclass.Of(err)
	return forbidden(err) || class == errclass.Rejected || class == errclass.NotFound
}

// about returns those of the keys, or nil.
func (all SettingErrors) about(keys ...string) error {
	var some SettingErrors
	for _, e := range all {
		for _, key := range keys {
			if e.Key == key {
				some = append(some, e)
			}
		}
	}
	if some == nil {
		return nil
	}
	return some
}

// judged keeps which settings were found good or wrong, and how old the names were by which they were.
func (d *Desk) judged(n *names, wrong SettingErrors, good ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range good {
		d.good[key] = n.readAt
	}
	for _, e := range wrong {
		delete(d.good, e.Key)
	}
}

// Mended reports whether what was wrong with a setting since then is over: its value was found good by names that are not
// older, or it is a rule's that the settings do not have any more.
func (d *Desk) Mended(key string, since time.Time) bool {
	d.mu.Lock()
	at, good := d.good[key]
	d.mu.Unlock()
	return good && !at.Before(since) || strings.HasPrefix(key, "tickets.routing[") && !d.routes(key)
}

// routes reports whether a rule has a value under the key.
func (d *Desk) routes(key string) bool {
	for i, rule := range d.settings.GetRouting() {
		begin, end := fmt.Sprintf("tickets.routing[%d].set.", i), fmt.Sprintf(" (rule %q)", rule.GetName())
		if !strings.HasPrefix(key, begin) || !strings.HasSuffix(key, end) {
			continue
		}
		field := key[len(begin) : len(key)-len(end)]
		if id, custom := strings.CutPrefix(field, "customFields."); custom {
			_, there := rule.GetCustomFields()[id]
			return there
		}
		_, there := rule.GetSet()[field]
		return there
	}
	return false
}
