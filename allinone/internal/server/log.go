package server

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// natsLog passes the server's warnings and errors on and keeps the last error as the reason of a failed start.
type natsLog struct {
	log *slog.Logger

	mu    sync.Mutex
	last  string
	fatal bool
}

// hopeless reports whether the server has given up.
func (l *natsLog) hopeless() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func (l *natsLog) failure(otherwise string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != "" {
		return errors.New(l.last)
	}
	return errors.New(otherwise)
}

func (l *natsLog) fail(format string, args []any) {
	text := fmt.Sprintf(format, args...)
	l.mu.Lock()
	l.last = text
	l.mu.Unlock()
	l.log.Error("embedded NATS server failed", "err", text)
}

// Warnf logs what the server warns of.
func (l *natsLog) Warnf(format string, args ...any) {
	l.log.Warn("embedded NATS server warns", "err", fmt.Sprintf(format, args...))
}

// Errorf logs an error.
func (l *natsLog) Errorf(format string, args ...any) { l.fail(format, args) }

// Fatalf logs an error after which the server does not go on; the process does.
func (l *natsLog) Fatalf(format string, args ...any) {
	l.fail(format, args)
	l.mu.Lock()
	l.fatal = true
	l.mu.Unlock()
}

// Noticef drops what the server merely tells.
func (l *natsLog) Noticef(string, ...any) {}

// Debugf drops details.
func (l *natsLog) Debugf(string, ...any) {}

// Tracef drops details.
func (l *natsLog) Tracef(string, ...any) {}
