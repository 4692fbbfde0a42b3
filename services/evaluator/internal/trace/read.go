package trace

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/covewise/covewise/connectors/cove/columns"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// start is when every trace begins, a Monday.
var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// firstDevice is the id of the first device of a file; the others count on.
const firstDevice = 4_000_001

const (
	longest  = 400 * 24 * time.Hour // the longest life
	shortest = time.Minute          // the shortest time between two sweeps or two runs
)

// family is a file as written.
type family struct {
	Family string    `yaml:"family"`
	About  string    `yaml:"about"`
	Device device    `yaml:",inline"`
	Traces []written `yaml:"traces"`
}

// written is a trace as written.
type written struct {
	Name      string    `yaml:"name"`
	About     string    `yaml:"about"`
	Device    device    `yaml:",inline"`
	Off       spans     `yaml:"off"`
	Gone      spans     `yaml:"gone"`
	Set       []setting `yaml:"set"`
	Incidents *[]struct {
		At   span   `yaml:"at"`
		Says string `yaml:"says"`
	} `yaml:"incidents"`
}

// device is what a family says for its traces, and each for itself.
type device struct {
	Class   string             `yaml:"class"`
	Created *duration          `yaml:"created"`
	Days    int                `yaml:"days"`
	Sweep   *duration          `yaml:"sweep"`
	Times   times              `yaml:",inline"`
	Before  string             `yaml:"before"`
	Sources map[string]sources `yaml:"sources"`
	Want    *spans             `yaml:"want"`
	May     *spans             `yaml:"may"`
}

type times struct {
	Every *duration `yaml:"every"`
	At    *duration `yaml:"at"`
	Takes *duration `yaml:"takes"`
}

// schedule returns the outer schedule with what is said here. Another every begins anew at the start.
func (t times) schedule(outer schedule) schedule {
	if t.Every != nil {
		outer.every, outer.at = time.Duration(*t.Every), 0
	}
	if t.At != nil {
		outer.at = time.Duration(*t.At)
	}
	if t.Takes != nil {
		outer.takes = time.Duration(*t.Takes)
	}
	return outer
}

// sources is a data source as written: its runs alone, or with times of its own.
type sources struct {
	Times  times    `yaml:",inline"`
	Runs   string   `yaml:"runs"`
	Before string   `yaml:"before"`
	In     spans    `yaml:"in"`
	Causes []string `yaml:"causes"`
}

func (s *sources) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		s.Runs = n.Value
		return nil
	}
	type plain sources
	if err := n.Decode((*plain)(s)); err != nil {
		return fmt.Errorf("line %d: read runs: %w", n.Line, err)
	}
	return nil
}

type setting struct {
	At       span              `yaml:"at"`
	Columns  map[string]string `yaml:"columns"`
	Customer string            `yaml:"customer"`
}

// Read reads a file of traces; name is the file's, for errors.
func Read(name string, text []byte) (Family, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var f family
	if err := dec.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			return Family{}, fmt.Errorf("read traces %s: the file is empty; write a family with its traces", name)
		}
		return Family{}, fmt.Errorf("read traces %s: %w", name, err)
	}
	all := Family{Name: f.Family, About: f.About}
	for i, w := range f.Traces {
		t, err := w.trace(f.Device)
		if err != nil {
			return Family{}, fmt.Errorf("read traces %s: trace %d (%q): %w", name, i+1, w.Name, err)
		}
		t.Device = strconv.Itoa(firstDevice + i)
		all.Traces = append(all.Traces, t)
	}
	if all.Name == "" || len(all.Traces) == 0 {
		return Family{}, fmt.Errorf("read traces %s: the file needs a family and at least one of traces", name)
	}
	return all, nil
}

func (w written) trace(f device) (Trace, error) {
	classes := map[string]incidentv1.DeviceClass{
		"server": incidentv1.DeviceClass_DEVICE_CLASS_SERVER, "workstation": incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION,
		"documents": incidentv1.DeviceClass_DEVICE_CLASS_DOCUMENTS, "m365": incidentv1.DeviceClass_DEVICE_CLASS_M365,
	}
	d := w.Device
	t := Trace{
		Name: w.Name, About: w.About, Start: start, Class: classes[cmp.Or(d.Class, f.Class)],
		Created: first(d.Created, f.Created, -400*24*time.Hour),
		Length:  time.Duration(cmp.Or(d.Days, f.Days)) * 24 * time.Hour,
		Sweep:   first(d.Sweep, f.Sweep, time.Hour),
	}
	switch {
	case t.Name == "":
		return Trace{}, errors.New("name is missing; add what the device is")
	case t.Class == incidentv1.DeviceClass_DEVICE_CLASS_UNSPECIFIED:
		return Trace{}, errors.New("class is missing or unknown; write server, workstation, documents or m365")
	case t.Length <= 0, t.Length > longest:
		return Trace{}, errors.New("days is missing or not within 1 and 400; write how long the life is")
	case t.Sweep < shortest:
		return Trace{}, errors.New("sweep is too short; write at least 1m")
	}
	t.Off, t.Gone = w.Off.until(t.Length), w.Gone.until(t.Length)
	t.Want, t.May = firstSpans(d.Want, f.Want).until(t.Length), firstSpans(d.May, f.May).until(t.Length)
	for code, s := range mergeSources(f.Sources, d.Sources) {
		source, off, err := s.source(code, d, f, t.Length)
		if err != nil {
			return Trace{}, fmt.Errorf("sources.%s: %w", code, err)
		}
		t.Sources = append(t.Sources, source)
		t.Off = append(t.Off, off...)
	}
	slices.SortFunc(t.Sources, func(a, b Source) int { return cmp.Compare(a.Code, b.Code) })
	for i, s := range w.Set {
		if err := s.check(); err != nil {
			return Trace{}, fmt.Errorf("set[%d]: %w", i, err)
		}
		t.Set = append(t.Set, Setting{Interval: s.At.until(t.Length), Columns: s.Columns, Customer: s.Customer})
	}
	if w.Incidents != nil {
		t.Incidents = []Expected{}
		for _, e := range *w.Incidents {
			t.Incidents = append(t.Incidents, Expected{Interval: e.At.until(t.Length), Open: e.At.open, Says: e.Says})
		}
	}
	return t, nil
}

func (s sources) source(code string, d, f device, length time.Duration) (Source, []Interval, error) {
	known, ok := columns.SourceOf(code)
	if !ok {
		return Source{}, nil, errors.New("is no data source of Cove; write a code such as D01")
	}
	words, err := parseWords(s.Runs)
	if err != nil {
		return Source{}, nil, fmt.Errorf("runs %w", err)
	}
	plan := schedule{every: 24 * time.Hour, takes: time.Hour}
	for _, t := range []times{f.Times, d.Times, s.Times} {
		plan = t.schedule(plan)
	}
	before, err := parseWords(cmp.Or(s.Before, d.Before, f.Before, "c"))
	switch {
	case err != nil || len(before) != 1:
		return Source{}, nil, errors.New(`before is not one run; write a letter such as c, or "." for none`)
	case plan.every < shortest:
		return Source{}, nil, errors.New("every is too short; write at least 1m")
	case plan.at > plan.every:
		return Source{}, nil, errors.New("at is later than every; write when the first run after the start begins")
	case plan.takes > plan.every:
		return Source{}, nil, errors.New("takes is longer than every; a run that does not end in time is w")
	}
	if last := plan.at + time.Duration(len(words))*plan.every; last < length {
		return Source{}, nil, fmt.Errorf("runs ends before the trace: %d runs, and the next would begin after %s; write the rest, or . for no run", len(words), last)
	}
	runs, off := plan.runs(before[0], words, length)
	return Source{Code: known.Code, In: s.In.until(length), Runs: runs, Causes: s.Causes}, off, nil
}

func (s setting) check() error {
	for code, value := range s.Columns {
		if rest, relative := strings.CutPrefix(value, "@"); relative {
			if _, err := parseDuration(strings.TrimLeft(rest, "+-")); err != nil {
				return fmt.Errorf("columns.%s: %q is no time; write @-2h, @+3d or @5d", code, value)
			}
		}
	}
	return nil
}

// mergeSources takes a trace's own data sources, or the family's when it has none.
func mergeSources(family, own map[string]sources) map[string]sources {
	if len(own) > 0 {
		return own
	}
	return family
}

func first(own, family *duration, otherwise time.Duration) time.Duration {
	switch {
	case own != nil:
		return time.Duration(*own)
	case family != nil:
		return time.Duration(*family)
	default:
		return otherwise
	}
}

func firstSpans(own, family *spans) spans {
	switch {
	case own != nil:
		return *own
	case family != nil:
		return *family
	default:
		return nil
	}
}
