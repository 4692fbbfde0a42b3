package bus

import (
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/covewise/covewise/platform/errclass"
)

// Family is a kind of subject and the stream that holds it.
type Family string

// The families. Each has one stream, named like the family in capitals.
const (
	Status   Family = "status"
	Incident Family = "incident"
	Company  Family = "company"
	Ticket   Family = "ticket"
	Settings Family = "settings"
)

// Verbs, by family.
const (
	VerbSnapshot = "snapshot" // status
	VerbSweep    = "sweep"    // status
	VerbOverdue  = "overdue"  // status: no complete sweep for too long

	VerbFailed   = "failed"   // incident
	VerbChanged  = "changed"  // incident
	VerbResolved = "resolved" // incident
	VerbJudged   = "judged"   // incident: the account of a sweep; decides nothing
	VerbRedrive  = "redrive"  // incident: look again at a parked incident; carries no news
	VerbObserved = "observed" // incident: what was seen of its ticket; a ticket.v1.Observation, no news of the device

	VerbWanted   = "wanted"   // company
	VerbLinked   = "linked"   // company
	VerbProposed = "proposed" // company
	VerbRefused  = "refused"  // company
	VerbOrdered  = "ordered"  // company: a person's command

	VerbTenant = "tenant" // settings
	VerbPolicy = "policy" // settings: the whole policy, whenever it changes
)

// Subject is an address on the bus: <family>.v1.<verb>.<tenant>[.<key>]. Tenant and Key are ids in clear;
// String encodes them, ParseSubject decodes them.
type Subject struct {
	Family Family
	Verb   string
	Tenant string
	Key    string // device, customer or sweep; empty for families without one
}

// String returns the subject as published, without the partition that the stream adds.
func (s Subject) String() string {
	subject := string(s.Family) + ".v1." + s.Verb + "." + Token(s.Tenant)
	if s.Key != "" {
		subject += "." + Token(s.Key)
	}
	return subject
}

// ParseSubject reads a subject as published or as stored (p.<partition>.<subject>).
func ParseSubject(subject string) (Subject, error) {
	tokens := strings.Split(subject, ".")
	if len(tokens) > 2 && tokens[0] == "p" {
		tokens = tokens[2:]
	}
	if len(tokens) < 4 || len(tokens) > 5 || tokens[1] != "v1" {
		return Subject{}, errclass.Newf(errclass.Rejected, "parse subject", "%q is not <family>.v1.<verb>.<tenant>[.<key>]", subject)
	}
	s := Subject{Family: Family(tokens[0]), Verb: tokens[2]}
	var err error
	if s.Tenant, err = id(tokens[3]); err != nil {
		return Subject{}, errclass.New(errclass.Rejected, "parse subject "+subject, err)
	}
	if len(tokens) == 5 {
		if s.Key, err = id(tokens[4]); err != nil {
			return Subject{}, errclass.New(errclass.Rejected, "parse subject "+subject, err)
		}
	}
	return s, nil
}

// encodedPrefix marks a token that is not the id itself. Ids may not contain it, because "=" is outside the
// alphabet of plain tokens, so the two forms cannot be confused.
const encodedPrefix = "="

var tokenEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// Token encodes an id as one subject or key token. Ids of lower-case letters, digits, "-" and "_" stand as
// they are; anything else is written in base32, so that no id can add a token or a wildcard.
func Token(id string) string {
	if plain(id) {
		return id
	}
	return encodedPrefix + strings.ToLower(tokenEncoding.EncodeToString([]byte(id)))
}

func id(token string) (string, error) {
	encoded, isEncoded := strings.CutPrefix(token, encodedPrefix)
	if !isEncoded {
		return token, nil
	}
	raw, err := tokenEncoding.DecodeString(strings.ToUpper(encoded))
	if err != nil {
		return "", fmt.Errorf("decode token %q: %w", token, err)
	}
	return string(raw), nil
}

func plain(id string) bool {
	if id == "" {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// Key joins ids to the key of a bucket.
func Key(ids ...string) string {
	tokens := make([]string, len(ids))
	for i, id := range ids {
		tokens[i] = Token(id)
	}
	return strings.Join(tokens, ".")
}
