package text

import (
	"fmt"
	"strings"
	"time"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// device tells what the device is and how it is backed up.
func (p *page) device(e *incidentv1.Event) {
	d := e.GetDevice()
	p.heading("DEVICE")
	p.labelled("Name", deviceNames(e))
	p.labelled("Alias", d.GetAlias())
	p.labelled("Customer", e.GetCustomer().GetName())
	p.labelled("Site", e.GetSite())
	p.labelled("Type", joined(", ", className(d.GetClass()), d.GetOs()))
	p.labelled("Hardware", hardware(d))
	p.labelled("External address", d.GetExternalIp())
	p.labelled("Time zone", timeZone(d))
	if at := d.GetLastContactAt(); at != nil {
		p.labelled("Last contact", p.when(at.AsTime()))
	}
	setup := page{zone: p.zone, now: p.now}
	setup.labelled("Profile", named(d.GetProfile(), d.GetProfileId()))
	setup.labelled("Product", named(d.GetProduct(), d.GetProductId()))
	setup.labelled("Storage", storage(d))
	setup.labelled("Client", d.GetClientVersion())
	if at := d.GetCreatedAt(); at != nil {
		setup.labelled("Created", setup.when(at.AsTime()))
	}
	if setup.b.Len() > 0 {
		p.heading("BACKUP")
		p.b.WriteString(setup.b.String())
	}
}

func deviceNames(e *incidentv1.Event) string {
	name, vendors := Name(e.GetDevice()), oneLine(e.GetDevice().GetName())
	if strings.EqualFold(vendors, name) || vendors == "" {
		return fmt.Sprintf("%s (Cove device %s)", name, e.GetDeviceId())
	}
	return fmt.Sprintf("%s (Cove device %s, %s)", name, e.GetDeviceId(), vendors)
}

// named writes a name with its id in Cove; nothing without a name.
func named(name string, id int64) string {
	if name = oneLine(name); name == "" || id <= 0 {
		return name
	}
	return fmt.Sprintf("%s (id %d)", name, id)
}

func hardware(d *incidentv1.Device) string {
	parts := []string{joined(" ", d.GetManufacturer(), d.GetModel()), strings.ToLower(d.GetPhysicality())}
	if n := d.GetCpuCores(); n > 0 {
		parts = append(parts, counted(n, "core", "cores"))
	}
	if n := d.GetMemoryBytes(); n > 0 {
		parts = append(parts, size(n)+" of memory")
	}
	return oneLine(joined(", ", parts...))
}

// storage tells where the backups are stored, how much is selected and how much space they take.
func storage(d *incidentv1.Device) string {
	parts := []string{d.GetStorageLocation()}
	if n := d.GetSelectedBytes(); n > 0 {
		parts = append(parts, size(n)+" selected")
	}
	if n := d.GetUsedBytes(); n > 0 {
		parts = append(parts, size(n)+" used")
	}
	return oneLine(joined(", ", parts...))
}

// timeZone writes the clock of the device: UTC-05:00.
func timeZone(d *incidentv1.Device) string {
	if d == nil || d.UtcOffsetMinutes == nil {
		return ""
	}
	offset := int(d.GetUtcOffsetMinutes()) * int(time.Minute/time.Second)
	return time.Time{}.In(time.FixedZone("", offset)).Format("UTC-07:00")
}

// sources tells how every configured data source stands; in detail, also what of Microsoft 365 it protects.
func (p *page) sources(e *incidentv1.Event, detail bool) {
	if len(e.GetDevice().GetSources()) == 0 {
		return
	}
	if e.GetResolution() == incidentv1.Resolution_RESOLUTION_REMOVED {
		p.heading("ALL DATA SOURCES, AS LAST SEEN")
	} else {
		p.heading("ALL DATA SOURCES")
	}
	for _, s := range e.GetDevice().GetSources() {
		facts := []string{orElse(oneLine(s.GetStatus()), "no status")}
		if n := s.GetErrors(); n > 0 {
			facts = append(facts, counted(n, "error", "errors"))
		}
		good := "no good backup yet"
		if at := s.GetLastSuccessAt(); at != nil {
			good = "last good backup " + p.when(at.AsTime())
			if s.GetLastSuccessHadErrors() {
				good += ", with errors"
			}
		}
		p.line(orElse(oneLine(s.GetName()), "data source "+s.GetCode()) + ": " + strings.Join(append(facts, good), ", "))
		if session := p.lastSession(s); session != "" {
			p.line("  Last session: " + session)
		}
		if detail {
			p.labelledBelow("Protected", protects(s))
		}
	}
}

func (p *page) labelledBelow(name, value string) {
	if value != "" {
		p.line("  " + name + ": " + value)
	}
}

// lastSession tells when the last session of a data source was, and how much it did.
func (p *page) lastSession(s *incidentv1.SourceStatus) string {
	var when, sizes []string
	began, ended := s.GetLastStartedAt(), s.GetLastCompletedAt()
	known := ended != nil && !ended.AsTime().Equal(s.GetLastSuccessAt().AsTime()) // and not told already
	took := s.GetDurationSeconds()
	switch {
	case began != nil && ended != nil && began.AsTime().After(ended.AsTime()): // the end and the length are those of the one before
		when = append(when, "began "+p.when(began.AsTime()))
		if known {
			when = append(when, "the one before ended "+p.stamp(ended.AsTime()))
		}
		took = 0
	case began != nil:
		when = append(when, "began "+p.stamp(began.AsTime()))
		fallthrough
	default:
		if known {
			when = append(when, "ended "+p.stamp(ended.AsTime()))
		}
	}
	if took > 0 {
		when = append(when, "took "+span(time.Duration(took)*time.Second))
	}
	for _, amount := range []struct {
		bytes int64
		name  string
	}{{s.GetSelectedBytes(), "selected"}, {s.GetProcessedBytes(), "processed"}, {s.GetSentBytes(), "sent"}} {
		if amount.bytes > 0 {
			sizes = append(sizes, size(amount.bytes)+" "+amount.name)
		}
	}
	return joined("; ", strings.Join(when, ", "), strings.Join(sizes, ", "))
}

// protects tells what of Microsoft 365 a data source backs up.
func protects(s *incidentv1.SourceStatus) string {
	var parts []string
	add := func(n int64, one, many string) {
		if n > 0 {
			parts = append(parts, counted(n, one, many))
		}
	}
	if users, shared := s.GetUserMailboxes(), s.GetSharedMailboxes(); users+shared > 0 {
		line := counted(users+shared, "mailbox", "mailboxes")
		if shared > 0 {
			line += fmt.Sprintf(" (%d of users, %d shared)", users, shared)
		}
		parts = append(parts, line)
	}
	add(s.GetUsers(), "user", "users")
	add(s.GetSites(), "site", "sites")
	add(s.GetTeams(), "team", "teams")
	add(s.GetChannels(), "channel", "channels")
	if s.AutoAdd != nil {
		parts = append(parts, map[bool]string{true: "new ones are added automatically", false: "new ones are not added automatically"}[s.GetAutoAdd()])
	}
	if s.InPlaceArchive != nil {
		parts = append(parts, map[bool]string{true: "with in-place archives", false: "without in-place archives"}[s.GetInPlaceArchive()])
	}
	return strings.Join(parts, ", ")
}
