package tenant

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// settings returns the policy as it is kept on the bus.
func (p Policy) settings() *tenantv1.Policy {
	s := &tenantv1.Policy{
		StaleServer: p.duration("stale", "server"), StaleWorkstation: p.duration("stale", "workstation"),
		StaleDocuments: p.duration("stale", "documents"), StaleM365: p.duration("stale", "m365"),
		Never:     p.duration("never", "server"),
		OpenAfter: uint32(p.effective("openAfter", "server").Count), CloseAfter: uint32(p.effective("closeAfter", "server").Count),
		DocumentsProfiles: p.DocumentsProfiles, ExcludeTrial: p.effective("excludeTrial", "").Switch,
		System: SystemPolicy(), Tenant: p.Values, Customers: overrides(p.Customers), Devices: overrides(p.Devices),
		Group: &tenantv1.GroupPolicy{
			Window: durationpb.New(p.Group.Window), Devices: uint32(p.Group.Devices), Share: uint32(p.Group.Share),
			Join: map[Join]tenantv1.GroupJoin{
				JoinOff: tenantv1.GroupJoin_GROUP_JOIN_OFF, JoinAttach: tenantv1.GroupJoin_GROUP_JOIN_ATTACH,
				JoinHold: tenantv1.GroupJoin_GROUP_JOIN_HOLD,
			}[p.Group.Join],
		},
		NotSweptAfter: uint32(p.NotSweptAfter),
	}
	for _, e := range p.Exclude {
		s.Exclude = append(s.Exclude, &tenantv1.Exclusion{Name: e.Name, Select: e.Select.settings(), Reason: e.Reason})
	}
	for _, w := range p.Windows {
		s.Windows = append(s.Windows, &tenantv1.MaintenanceWindow{
			Name: w.Name, Select: w.Select.settings(), Reason: w.Reason, Cron: w.Cron, Duration: durationpb.New(w.Duration), Zone: w.Zone,
		})
	}
	for _, z := range p.Snoozes {
		s.Snoozes = append(s.Snoozes, &tenantv1.Snooze{
			Name: z.Name, Select: z.Select.settings(), Reason: z.Reason, Author: z.Author, Until: timestamppb.New(z.Until),
		})
	}
	for _, e := range p.ExpectedErrors {
		s.ExpectedErrors = append(s.ExpectedErrors, &tenantv1.ExpectedError{
			Name: e.Name, Select: e.Select.settings(), Sources: e.Sources, Text: e.Text, Item: e.Item, Code: e.Code,
			Reason: e.Reason, Until: timestamppb.New(e.Until),
		})
	}
	for _, c := range p.CustomConditions {
		s.CustomConditions = append(s.CustomConditions, &tenantv1.CustomCondition{Name: c.Name, Select: c.Select.settings(), When: c.When})
	}
	for _, t := range p.Tags {
		s.Tags = append(s.Tags, &tenantv1.DeviceTag{Name: t.Name, Select: t.Select.settings()})
	}
	s.Version = version(s)
	return s
}

// version names the values: the same policy has the same version wherever and whenever it is applied.
func version(s *tenantv1.Policy) string {
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(s) // cannot fail: every text is valid UTF-8
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:6])
}

func overrides(all []Override) []*tenantv1.PolicyOverride {
	var out []*tenantv1.PolicyOverride
	for _, o := range all {
		out = append(out, &tenantv1.PolicyOverride{Name: o.Name, Select: o.Select.settings(), Values: o.Values})
	}
	return out
}

func (s Selector) settings() *tenantv1.Selector {
	return &tenantv1.Selector{
		Customers: s.Customers, Sites: s.Sites, Classes: s.Classes, Devices: s.Devices, Profiles: s.Profiles, Tags: s.Tags,
	}
}

func (p Policy) duration(name, class string) *durationpb.Duration {
	return durationpb.New(p.effective(name, class).Duration)
}

// effective returns a value of the tenant level: of the class or for all, the tenant's or else the system's.
func (p Policy) effective(name, class string) Value {
	key, _, _ := KeyOf(name)
	for _, level := range []map[string]string{p.Values, SystemPolicy()} {
		for _, full := range []string{joined(name, class), name} {
			if text, set := level[full]; set && text != Inherit {
				value, err := key.Parse(text)
				if err == nil {
					return value
				}
			}
		}
	}
	return Value{}
}

// WithheldTooLong returns what ends more than LongestWithheld from now, or "". A document says nothing about when it
// was written, so that it is asked when it is applied.
func (p Policy) WithheldTooLong(now time.Time) string {
	for _, z := range p.Snoozes {
		if z.Until.Sub(now) > LongestWithheld {
			return "snooze " + quote(z.Name)
		}
	}
	for _, e := range p.ExpectedErrors {
		if e.Until.Sub(now) > LongestWithheld {
			return "expected error " + quote(e.Name)
		}
	}
	return ""
}
