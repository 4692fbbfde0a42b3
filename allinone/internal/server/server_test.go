package server_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/server"
)

func TestTheDataDirectoryIsForOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on", "the", "way")
	lock, err := server.Directory(dir)
	require.NoError(t, err)
	_, err = server.Directory(dir)
	require.EqualError(t, err, fmt.Sprintf("data directory %s is in use by another covewise (pid %d); stop it or use another --data", dir, os.Getpid()))
	require.NoError(t, lock.Release())
	require.NoError(t, lock.Release(), "releasing twice does no harm")
	again, err := server.Directory(dir)
	require.NoError(t, err)
	require.NoError(t, again.Release())
}

func TestAFileIsNoDataDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := server.Directory(file)
	require.EqualError(t, err, "data directory "+file+" is a file; name a directory with --data")
}

func TestWhatIsStoredIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	for run := range 2 {
		lock, err := server.Directory(dir)
		require.NoError(t, err)
		s, err := server.Start(t.Context(), lock, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		nc, err := s.Connect("test")
		require.NoError(t, err)
		require.GreaterOrEqual(t, nc.MaxPayload(), int64(8<<20))
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		stream, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
		require.NoError(t, err)
		require.EqualValues(t, run, stream.CachedInfo().State.Msgs)
		_, err = js.Publish(t.Context(), "s", []byte("kept"))
		require.NoError(t, err)
		nc.Close()
		require.NoError(t, s.Stop())
	}
	require.DirExists(t, filepath.Join(dir, "jetstream"))
}

func TestADirectoryThatTheServerCannotUseIsNamed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	lock, err := server.Directory(dir)
	require.NoError(t, err)
	_, err = server.Start(t.Context(), lock, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, dir)
	again, err := server.Directory(dir)
	require.NoError(t, err, "a start that failed gives the directory back")
	require.NoError(t, again.Release())
}
