package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

const (
	stateFile    = "fakes.json"
	ticketsFile  = "connectwise.json" // what the fake ConnectWise holds, as it saves it
	logFile      = "covewise.log"
	jetstreamDir = "jetstream" // the embedded server's
)

// memory is the outside world as it is kept between two runs of the demo, beside what Covewise keeps. ConnectWise
// has a file of its own, because it is kept at every write.
type memory struct {
	Version int            `json:"version"`
	Clean   bool           `json:"clean"` // written at an orderly end
	Clock   time.Time      `json:"clock"`
	Seed    uint64         `json:"seed"`
	Cove    covefake.Fleet `json:"cove"`
	Plot    plot           `json:"plot"`

	tickets []byte
}

const memoryVersion = 1

// recall reads what an earlier run kept in dir; false when there was none.
func recall(dir string) (memory, bool, error) {
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, jetstreamDir)); err == nil {
			return memory{}, false, fmt.Errorf("%s holds data, but not that of a demo; name another directory with --data, or start over with --fresh", dir)
		}
		return memory{}, false, nil
	}
	var m memory
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err == nil && m.Version != memoryVersion {
		err = fmt.Errorf("it has version %d, and this covewise reads %d", m.Version, memoryVersion)
	}
	if err == nil {
		m.tickets, err = os.ReadFile(filepath.Join(dir, ticketsFile))
	}
	if err != nil {
		return memory{}, false, fmt.Errorf("read the demo in %s: %w; start over with --fresh", dir, err)
	}
	return m, true, nil
}

// forget removes what a demo leaves in its directory, and nothing else.
func forget(dir string) error {
	for _, name := range []string{stateFile, ticketsFile, logFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("start over: %w", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, jetstreamDir)); err != nil {
		return fmt.Errorf("start over: %w", err)
	}
	return nil
}

// lostIDs is more than the fake can have given between the last save and a kill.
const lostIDs = 1000

// restore brings the world back to what m says.
func (w *world) restore(m memory) error {
	lost := 0
	if !m.Clean {
		lost = lostIDs
	}
	err := w.cove.SetFleet(m.Cove)
	if err == nil {
		err = w.cwm.Restore(bytes.NewReader(m.tickets), lost)
	}
	if err == nil {
		err = w.director.resume(m.Plot)
	}
	if err != nil {
		return fmt.Errorf("restore the demo: %w; start over with --fresh", err)
	}
	return nil
}

// begin sets a new world up.
func (w *world) begin(seed uint64, start time.Time) error {
	if err := w.cove.SetFleet(coveFleet(start)); err != nil {
		return err
	}
	if err := w.cwm.Load(connectWise()); err != nil {
		return err
	}
	w.director.begin(seed, start)
	return nil
}

// save keeps the world in dir.
func (w *world) save(dir string, seed uint64, clean bool) error {
	if err := w.saveTickets(dir); err != nil {
		return err
	}
	m := memory{Version: memoryVersion, Clean: clean, Clock: w.clock.Now(), Seed: seed, Cove: w.cove.Fleet()}
	var err error
	if m.Plot, err = w.director.story(); err != nil {
		return fmt.Errorf("keep the demo's state: %w", err)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("keep the demo's state: %w", err)
	}
	return replace(filepath.Join(dir, stateFile), raw)
}

func (w *world) saveTickets(dir string) error {
	w.saving.Lock()
	defer w.saving.Unlock()
	var tickets bytes.Buffer
	if err := w.cwm.Save(&tickets); err != nil {
		return fmt.Errorf("keep the demo's state: %w", err)
	}
	return replace(filepath.Join(dir, ticketsFile), tickets.Bytes())
}

// replace writes a file in one step, so that a kill leaves the old one or the new one.
func replace(path string, raw []byte) error {
	err := os.WriteFile(path+".new", raw, 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keep the demo's state: %w", err)
	}
	return nil
}
