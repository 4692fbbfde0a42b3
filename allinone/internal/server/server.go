// Package server runs a nats-server with JetStream inside the process. It owns the data directory: its lock,
// its room, and what the server keeps in it. It does not know what streams there are; package bus declares them.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// maxPayload holds the record of a whole tenant's devices, which is the largest thing on the bus.
const maxPayload = 8 << 20

// startTimeout is generous: after a power cut the server reads its streams through before it is ready.
const startTimeout = 2 * time.Minute

// Server is a running server with its data directory locked.
type Server struct {
	nats *server.Server
	lock *Lock
}

// Start runs a server that listens nowhere and keeps JetStream in <data>/jetstream, every write synced to
// disk. It takes the lock over: Stop releases it, and so does a failed Start.
func Start(ctx context.Context, lock *Lock, log *slog.Logger) (*Server, error) {
	s := &Server{lock: lock}
	if err := s.start(ctx, log); err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded NATS server in %s: %w", lock.dir, err), lock.Release())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, log *slog.Logger) error {
	if err := checkRoom(s.lock.dir); err != nil {
		return err
	}
	embedded, err := server.NewServer(&server.Options{
		ServerName: "covewise",
		DontListen: true,
		JetStream:  true,
		StoreDir:   s.lock.dir, // the server adds "jetstream"
		SyncAlways: true,
		MaxPayload: maxPayload,
		NoSigs:     true,
		NoLog:      true, // it would write to a log of its own
	})
	if err != nil {
		return err
	}
	complaints := &natsLog{log: log}
	embedded.SetLoggerV2(complaints, false, false, false)
	embedded.Start()
	s.nats = embedded
	for deadline := startTimeout; !embedded.ReadyForConnections(readyStep); deadline -= readyStep {
		if ctx.Err() != nil || deadline <= 0 || complaints.hopeless() {
			s.shutdown()
			return errors.Join(ctx.Err(), complaints.failure("it did not become ready"))
		}
	}
	if !embedded.JetStreamEnabled() {
		s.shutdown()
		return complaints.failure("JetStream could not be enabled")
	}
	return nil
}

// readyStep is how often a slow start looks whether it is still wanted.
const readyStep = 250 * time.Millisecond

// Connect returns a connection of its own for a service, inside the process.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(s.nats), nats.Name(name), nats.MaxReconnects(-1))
	if err != nil {
		return nil, fmt.Errorf("connect %s to the embedded NATS server: %w", name, err)
	}
	return nc, nil
}

// Stop shuts the server down, waits until its files are closed, and releases the directory.
func (s *Server) Stop() error {
	s.shutdown()
	return s.lock.Release()
}

func (s *Server) shutdown() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}

// Directory makes the data directory usable and takes its lock. Its errors name the directory and the remedy.
func Directory(dir string) (*Lock, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory %s has no absolute path (%w); name it by its absolute path", dir, err)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("data directory %s is a file; name a directory with --data", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, "cannot be created", err)
	}
	return acquire(dir)
}

// unusable explains why a directory cannot be worked in, with what to do about it.
func unusable(dir, what string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	remedy := "name another directory with --data"
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		remedy = "let the user that runs covewise write there, or name another directory with --data"
	case errors.Is(err, syscall.ENOSPC):
		remedy = "free some space, or name a directory on another disk with --data"
	}
	return fmt.Errorf("data directory %s %s (%w); %s", dir, what, err, remedy)
}
