package demo

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/clock"
)

// keepWithin is how long keeping the tickets may take at every write; a state that has grown beyond that is kept
// now and then only.
const keepWithin = 50 * time.Millisecond

// keeping is a server that keeps its state before each answer to a write goes out. A real server has its data on
// disk when it answers; without this a kill of the demo would lose tickets that Covewise knows of.
func keeping(next http.Handler, real clock.Clock, keep func() error) http.Handler {
	var mu sync.Mutex
	tooSlow := false
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		k := &keeper{ResponseWriter: w, keep: sync.OnceFunc(func() {
			mu.Lock()
			defer mu.Unlock()
			if tooSlow {
				return
			}
			began := real.Now()
			// What fails here fails in the regular save too, and is reported there.
			_ = keep()
			tooSlow = real.Now().Sub(began) > keepWithin
		})}
		next.ServeHTTP(k, r)
	})
}

// keeper calls keep before anything of the answer is sent, also when the connection is about to be dropped.
type keeper struct {
	http.ResponseWriter
	keep func()
}

// WriteHeader sends the status.
func (k *keeper) WriteHeader(status int) {
	k.keep()
	k.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (k *keeper) Write(part []byte) (int, error) {
	k.keep()
	return k.ResponseWriter.Write(part)
}

// Hijack hands the connection over.
func (k *keeper) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	k.keep()
	return http.NewResponseController(k.ResponseWriter).Hijack()
}
