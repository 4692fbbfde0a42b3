package chaos_test

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
)

// wire is a service's connection to the broker. It reads what the service says, frame by frame, so that a process can be
// made to die before or after any of its writes reaches the broker.
type wire struct {
	net.Conn
	process *process

	mu      sync.Mutex
	pending []byte // the beginning of a frame whose rest has not been written yet
}

var errDead = errors.New("the process is dead")

// Write hands complete frames on.
func (w *wire) Write(b []byte) (int, error) {
	w.process.wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process.dead.Load() {
		return 0, errDead
	}
	w.pending = append(w.pending, b...)
	var out []byte
	for {
		size, subject, payload := frame(w.pending)
		if size == 0 {
			break
		}
		whole := w.pending[:size]
		w.pending = w.pending[size:]
		switch w.process.says(subject, payload) {
		case pass:
			out = append(out, whole...)
		case refuse:
			out = append(out, bytes.Replace(whole, []byte("+ACK"), []byte("-NAK"), 1)...)
		case dieBefore:
			return w.last(out)
		case dieAfter:
			return w.last(append(out, whole...))
		}
	}
	if len(out) > 0 {
		if _, err := w.Conn.Write(out); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// last writes what still gets out and ends the process.
func (w *wire) last(out []byte) (int, error) {
	if len(out) > 0 {
		_, _ = w.Conn.Write(out) // whether it arrives is the broker's affair
	}
	w.process.kill()
	return 0, errDead
}

// frame returns the size of the first complete frame of the client protocol, 0 when there is none, and for a publish
// its subject and payload.
func frame(b []byte) (size int, subject string, payload []byte) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return 0, "", nil
	}
	words := strings.Fields(string(b[:end]))
	if len(words) < 3 || words[0] != "PUB" && words[0] != "HPUB" {
		return end + 2, "", nil
	}
	length, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		return end + 2, "", nil
	}
	size = end + 2 + length + 2
	if len(b) < size {
		return 0, "", nil
	}
	return size, words[1], b[end+2 : end+2+length]
}

// durable reports whether a publish changes something at the broker: a message, a value or an acknowledgement.
func durable(subject string) bool {
	return strings.HasPrefix(subject, "$KV.") || strings.Contains(subject, ".v1.") || acknowledges(subject)
}

func acknowledges(subject string) bool { return strings.HasPrefix(subject, "$JS.ACK.") }
