package group

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// The kinds of causes, most specific first.
const (
	StorageNode   = "storage_node"
	Credential    = "credential"
	Site          = "site"
	Location      = "location"
	ClientVersion = "client_version"
	Vendor        = "vendor"
)

// specific orders the kinds: of two causes that explain about as many devices, the more specific one is named.
var specific = []string{StorageNode, Credential, Site, Location, ClientVersion, Vendor}

// symptom is what devices with one cause show alike. What differs between devices is taken out of text.
type symptom struct {
	text string // of the session errors; empty when nothing is said
	sign string // what must be equal: the text, or what else shows when there is none
	host string // of the storage node that the errors name; empty when they name none
}

// symptomOf returns what a device in trouble shows, and false when it is not one thing: findings with different
// errors have different causes, and what nothing is said of has a cause of its own unless all of it failed or fell
// silent. So a device never hides behind a cause that explains a part of its trouble only.
func symptomOf(d Device) (symptom, bool) {
	var found []symptom
	quiet := ""
	for _, c := range d.Conditions {
		for _, f := range c.GetFindings() {
			said := false
			for _, e := range f.GetErrors() {
				found = append(found, read(e.GetText(), e.GetCode(), d, false))
				said = true
			}
			if why := f.GetErrorsUnavailable(); why != "" && !said {
				found = append(found, read(why, "", d, true))
				said = true
			}
			if !said && quiet == "" {
				quiet = strings.ToLower(c.GetKind().String()) + ":" + strings.ToLower(f.GetSummary())
			}
		}
	}
	if len(found) == 0 {
		if quiet == "" || !plain(d.Conditions) {
			return symptom{}, false
		}
		return symptom{sign: quiet}, true
	}
	for _, other := range found[1:] {
		if other.sign != found[0].sign || other.host != found[0].host {
			return symptom{}, false
		}
	}
	// A source that failed without a word beside one that gives a reason may have a reason of its own; age is the
	// consequence of the other.
	for _, c := range d.Conditions {
		for _, f := range c.GetFindings() {
			mute := len(f.GetErrors()) == 0 && f.GetErrorsUnavailable() == ""
			if mute && c.GetKind() != incidentv1.ConditionKind_CONDITION_KIND_STALE && c.GetKind() != incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE {
				return symptom{}, false
			}
		}
	}
	return found[0], true
}

// plain reports whether all that is wrong is of one sort that many devices can show alike without a word. Age is not:
// devices that were switched off together grow stale together.
func plain(conditions []*incidentv1.Condition) bool {
	if len(conditions) != 1 {
		return false
	}
	kind, findings := conditions[0].GetKind(), conditions[0].GetFindings()
	if kind != incidentv1.ConditionKind_CONDITION_KIND_FAILED && kind != incidentv1.ConditionKind_CONDITION_KIND_SILENT {
		return false
	}
	return !slices.ContainsFunc(findings, func(f *incidentv1.Finding) bool { return f.GetSummary() != findings[0].GetSummary() })
}

// key is one thing that devices can have in common.
type key struct {
	kind, value, sign string
	customer          string // id of the only customer that it is about; empty for several
}

// within is the key for the devices of one customer.
func (k key) within(customer string) key {
	k.customer = customer
	return k
}

// keys are what a device could have in common with others, most specific first; none for one that shows several things.
func keys(d Device) []key {
	if !d.single {
		return nil
	}
	s := d.symptom
	var all []key
	add := func(kind, value string) { all = append(all, key{kind: kind, value: value, sign: s.sign}) }
	if s.host != "" {
		add(StorageNode, s.host)
	}
	if s.text != "" && aboutCredentials(s.text) {
		add(Credential, "")
	}
	if name := siteName(d); name != "" {
		all = append(all, key{kind: Site, value: name, sign: s.sign, customer: d.Customer.GetId()})
	}
	if d.Location != "" {
		add(Location, d.Location)
	}
	if d.ClientVersion != "" {
		add(ClientVersion, d.ClientVersion)
	}
	add(Vendor, "")
	return all
}

// siteName is the customer with the site below it, if there is one.
func siteName(d Device) string {
	name := d.Customer.GetName()
	if name != "" && d.Site != "" {
		name += " / " + d.Site
	}
	return cmp.Or(name, d.Site)
}

// keyOf returns the key of a group. Its device id is derived from it.
func keyOf(g *incidentv1.GroupState) string { return eventOf(g).GetDeviceId() }

// deviceID is what stands for a group where events name a device.
func (k key) deviceID() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{k.kind, k.value, k.sign, k.customer}, "\x00")))
	return "group-" + hex.EncodeToString(sum[:4])
}

// words names a cause for a person.
func words(c *incidentv1.Cause) string {
	switch c.GetKind() {
	case StorageNode:
		return "storage node " + c.GetValue()
	case Credential:
		return "refused credentials"
	case Site:
		return "site " + c.GetValue()
	case Location:
		return "storage location " + c.GetValue()
	case ClientVersion:
		return "backup client " + c.GetValue()
	default:
		return "Cove as a whole"
	}
}
