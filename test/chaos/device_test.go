package chaos_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"time"

	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/bus"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/test/harness"
)

const (
	coveLogin    = "psa-sync"
	covePassword = "a-token-of-cove"
	coveRoot     = 700
)

// device is a device as it really is.
type device struct {
	id      string
	number  int
	failing int  // way of failing; 0 well, -1 gone
	spells  int  // how often it began to fail
	told    int  // as the last sweep found it
	another bool // it came to fail in another way in the course of an incident
}

// troubles are what the device fails with; the ways differ in source and cause.
func (d *device) troubles() []harness.Trouble {
	files := harness.Trouble{Source: "D01", Plugin: "FileSystem", Text: "Access denied", Count: 7}
	system := harness.Trouble{Source: "D02", Plugin: "VssSystemState", Text: "The shadow copy provider had an error", Count: 1}
	switch d.failing {
	case 1:
		return []harness.Trouble{files}
	case 2:
		return []harness.Trouble{system}
	case 3:
		return []harness.Trouble{files, system}
	case 4:
		return []harness.Trouble{{Source: "D01", Plugin: "FileSystem", Text: "The network path was not found", Count: 3}}
	default:
		return nil
	}
}

// seen takes down what a sweep finds. One of the poller's may be incomplete for a fault of Cove, and then the incident of a
// device that is well goes on.
func (d *device) seen(whole bool) {
	if !whole && d.failing <= 0 {
		return
	}
	d.another = d.told > 0 && d.failing > 0 && (d.another || d.told != d.failing)
	d.told = d.failing
}

// columns are Cove's for a server of two sources; past writes a time so long ago.
func (d *device) columns(past func(ago time.Duration) string) map[string]string {
	values := map[string]string{
		"AN": "srv-" + d.id, "MN": "SRV-" + d.id, "AT": "1", "OT": "2", "OS": "Windows Server 2022 Standard (20348), 64-bit", "I78": "D01D02",
		"CD": past(200 * 24 * time.Hour), "TS": past(time.Minute), "T0": "5", "T7": "0", "TL": past(2 * time.Hour),
	}
	set := func(source string, fields map[string]string) {
		for field, value := range fields {
			values[source+field] = value
		}
	}
	for _, source := range []string{"D01", "D02"} {
		set(source, map[string]string{
			"F00": "5", "F06": "0", "F09": past(2 * time.Hour), "F15": past(2 * time.Hour), "F16": "5", "F17": "5", "F18": past(2 * time.Hour),
		})
	}
	for _, t := range d.troubles() {
		count := strconv.FormatInt(t.Count, 10)
		set(t.Source, map[string]string{"F00": "2", "F17": "2", "F06": count, "F15": past(10 * time.Minute), "F18": past(5 * time.Minute)})
		values["T0"], values["T7"] = "2", count
	}
	return values
}

// addCove gives the tenant a Cove of its own, which the poller looks at.
func (m *msp) addCove() error {
	m.cove = covefake.New(covefake.Options{Clock: m.world.servers, Username: coveLogin, Password: covePassword})
	fleet := covefake.Fleet{Root: coveRoot, Partners: []covefake.Partner{{ID: coveRoot, Name: "Lantern Bay IT", Level: "Reseller", State: "InProduction"}}}
	for i, c := range customers() {
		fleet.Partners = append(fleet.Partners, covefake.Partner{ID: coveRoot + 1 + int64(i), ParentID: coveRoot, Name: c.GetName(), Level: c.GetLevel(), State: c.GetState()})
	}
	// One is always well: Cove's answer that there is no device at all would not be believed.
	for _, d := range append(slices.Clone(m.devices), &device{id: "2000"}) {
		fleet.Devices = append(fleet.Devices, d.asCove())
	}
	if err := m.cove.SetFleet(fleet); err != nil {
		return err
	}
	m.coveWeb = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.gate.inFlight.Add(1)
		defer m.gate.inFlight.Add(-1)
		m.world.activity.Add(1)
		defer m.world.activity.Add(1)
		m.cove.ServeHTTP(w, r)
	}))
	return nil
}

func (d *device) asCove() covefake.Device {
	number, _ := strconv.ParseInt(d.id, 10, 64) // it was made of a number
	made := covefake.Device{AccountID: number, PartnerID: coveRoot + 1 + int64(d.number%2)}
	past := func(ago time.Duration) string {
		switch {
		case ago >= 24*time.Hour:
			return fmt.Sprintf("@-%dd", ago/(24*time.Hour))
		case ago >= time.Hour:
			return fmt.Sprintf("@-%dh", ago/time.Hour)
		default:
			return fmt.Sprintf("@-%dm", ago/time.Minute)
		}
	}
	for code, value := range d.columns(past) {
		made.Set(code, value)
	}
	return made
}

// askPoller has Cove tell how the devices are, and asks the poller for a sweep.
func (m *msp) askPoller() error {
	for _, d := range m.devices {
		cove := d.asCove()
		if d.failing < 0 {
			m.cove.RemoveDevice(cove.AccountID)
			continue
		}
		if err := m.cove.PutDevice(cove); err != nil {
			return err
		}
		for _, t := range d.troubles() {
			if err := m.cove.AddSession(cove.AccountID, covefake.Session{
				Plugin: t.Plugin, Status: "Failed", At: "@-10m", Errors: []covefake.SessionError{{Text: t.Text, Count: t.Count}},
			}); err != nil {
				return err
			}
		}
	}
	_, err := m.world.leases.Update(m.world.ctx, bus.Key(m.id), func(l *statusv1.PollLease) (*statusv1.PollLease, error) {
		if l == nil {
			return nil, bus.ErrKeep // the first sweep is under way
		}
		l.Asked++
		return l, nil
	})
	return err
}

// sweeping reports whether the poller is at work, or is to be.
func (m *msp) sweeping() (bool, error) {
	if m.cove == nil {
		return false, nil
	}
	l, _, err := m.world.leases.Get(m.world.ctx, bus.Key(m.id))
	return l == nil || l.GetOwner() != "" || l.GetAsked() != l.GetAnswered(), err
}
