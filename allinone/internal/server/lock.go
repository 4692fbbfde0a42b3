package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

const (
	lockFile = "covewise.lock"
	pidFile  = "covewise.pid"
)

// Lock is the exclusive use of a data directory by this process. The system gives it up when the process dies,
// however it dies.
type Lock struct {
	dir  string
	file *flock.Flock
}

// acquire locks a directory that exists. The process id goes into a file of its own, because on some systems
// nobody can read a locked file.
func acquire(dir string) (*Lock, error) {
	file := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	locked, err := file.TryLock()
	if err != nil {
		return nil, unusable(dir, "cannot be written", err)
	}
	if !locked {
		return nil, fmt.Errorf("data directory %s is in use by another covewise%s; stop it or use another --data", dir, holder(dir))
	}
	if err := os.WriteFile(filepath.Join(dir, pidFile), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(unusable(dir, "cannot be written", err), file.Unlock())
	}
	return &Lock{dir: dir, file: file}, nil
}

func holder(dir string) string {
	raw, err := os.ReadFile(filepath.Join(dir, pidFile))
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}

// Dir returns the locked directory as an absolute path.
func (l *Lock) Dir() string { return l.dir }

// Release lets others use the directory. It may be called more than once.
func (l *Lock) Release() error {
	if !l.file.Locked() {
		return nil
	}
	// The lock file itself stays: removing it would let two processes lock two files of the same name.
	err := os.Remove(filepath.Join(l.dir, pidFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(err, l.file.Unlock()); err != nil {
		return fmt.Errorf("release data directory %s: %w", l.dir, err)
	}
	return nil
}
