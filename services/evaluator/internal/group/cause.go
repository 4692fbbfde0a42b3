package group

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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
	sign string // what must be equal: the text, the node that gives no answer, or silence
	host string // of the storage node that the errors name; empty when they name none
}

// silence is the sign of devices of which nothing is heard.
const silence = "silent"

// symptomOf returns what a device in trouble shows, and false when it is not one thing that is known: findings with
// different errors have different causes, and of what failed without a word nobody knows the cause. That errors could
// not be read is no symptom, unless the device's storage node is what gives no answer. So a device never hides behind a
// cause that explains a part of its trouble only.
func symptomOf(d Device) (symptom, bool) {
	if silentOnly(d.Conditions) {
		return symptom{sign: silence}, true
	}
	var found []symptom
	for _, c := range d.Conditions {
		for _, f := range c.GetFindings() {
			for _, e := range f.GetErrors() {
				if strings.TrimSpace(e.GetText()) == "" && e.GetCode() == "" {
					return symptom{}, false
				}
				found = append(found, read(e.GetText(), e.GetCode(), d))
			}
			switch why := f.GetErrorsUnavailable(); {
			case why != "":
				s, known := unread(why)
				if !known {
					return symptom{}, false
				}
				found = append(found, s)
			case len(f.GetErrors()) == 0 && !consequence(c.GetKind()):
				// A source that failed without a word beside one that gives a reason may have a reason of its own.
				return symptom{}, false
			}
		}
	}
	if len(found) == 0 {
		return symptom{}, false
	}
	for _, other := range found[1:] {
		if other.sign != found[0].sign || other.host != found[0].host {
			return symptom{}, false
		}
	}
	return found[0], true
}

// consequence reports whether a condition is about age, which is what follows of another.
func consequence(kind incidentv1.ConditionKind) bool {
	return kind == incidentv1.ConditionKind_CONDITION_KIND_STALE || kind == incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE
}

// silentOnly reports whether all that is wrong is that nothing is heard of the device. There are no errors to read then.
func silentOnly(conditions []*incidentv1.Condition) bool {
	return len(conditions) == 1 && conditions[0].GetKind() == incidentv1.ConditionKind_CONDITION_KIND_SILENT
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
	if s.sign != silence { // where a device stores, and with what, does not take its network away
		if d.Location != "" {
			add(Location, d.Location)
		}
		if d.ClientVersion != "" {
			add(ClientVersion, d.ClientVersion)
		}
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
