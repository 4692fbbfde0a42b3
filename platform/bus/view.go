package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/errclass"
)

// View keeps in memory what a bucket holds, each value reduced to a P. It is a hint that may lag (a watch
// takes up to twenty seconds to recover from a restart of the server), never a queue: whoever acts on it
// checks with Store.
type View[T proto.Message, P any] struct {
	store   *Store[T]
	filter  string
	project func(Entry[T]) P
	changed func(key string)

	mu    sync.RWMutex
	items map[string]P
	ready chan struct{}
	once  sync.Once
}

// relist is how often a view is read anew, so that a change it missed cannot be missing for long.
const relist = 5 * time.Minute

// NewView returns a view of the keys that match filter. project reduces a value; changed, if not nil, is
// called after each change with the key. Both are called from Run. Nothing happens before Run.
func NewView[T proto.Message, P any](store *Store[T], filter string, project func(Entry[T]) P, changed func(key string)) *View[T, P] {
	if changed == nil {
		changed = func(string) {}
	}
	return &View[T, P]{store: store, filter: filter, project: project, changed: changed, items: map[string]P{}, ready: make(chan struct{})}
}

// Run keeps the view until the context ends and then returns nil. Ready is closed once it is complete.
func (v *View[T, P]) Run(ctx context.Context, b *Bus) error {
	for ctx.Err() == nil {
		if err := v.watch(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("view interrupted, reading anew", "bucket", string(v.store.name), "err", err)
			if b.opts.Clock.Sleep(ctx, retryPause) != nil {
				break
			}
		}
	}
	return nil
}

// Ready is closed when the view has been complete for the first time.
func (v *View[T, P]) Ready() <-chan struct{} { return v.ready }

// Get returns a key's item.
func (v *View[T, P]) Get(key string) (P, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	item, ok := v.items[key]
	return item, ok
}

// Each calls f for every item, in no order, while holding a read lock: f must be short.
func (v *View[T, P]) Each(f func(key string, item P)) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for key, item := range v.items {
		f(key, item)
	}
}

// watch lists the bucket into a fresh map, puts that in place, and follows the changes until it is time to list again.
func (v *View[T, P]) watch(ctx context.Context) error {
	watcher, err := v.store.kv.Watch(ctx, v.filter)
	if err != nil {
		return fmt.Errorf("watch %s: %w", v.store.name, classify(err))
	}
	defer func() { _ = watcher.Stop() }()
	again := time.NewTimer(relist)
	defer again.Stop()
	fresh := map[string]P{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			return nil
		case raw, open := <-watcher.Updates():
			if !open {
				return errclass.Newf(errclass.Transient, "watch "+string(v.store.name), "the watch ended")
			}
			if raw == nil {
				v.replace(fresh)
				fresh = nil
				continue
			}
			if err := v.apply(raw, fresh); err != nil {
				return err
			}
		}
	}
}

// apply takes one change into the list being read (fresh) or, when that is complete (nil), into the view.
func (v *View[T, P]) apply(raw jetstream.KeyValueEntry, fresh map[string]P) error {
	key := raw.Key()
	if raw.Operation() != jetstream.KeyValuePut {
		if fresh != nil {
			delete(fresh, key)
			return nil
		}
		v.mu.Lock()
		delete(v.items, key)
		v.mu.Unlock()
		v.changed(key)
		return nil
	}
	value, err := v.store.decode(raw)
	if err != nil {
		return err
	}
	item := v.project(Entry[T]{Key: key, Value: value, Revision: raw.Revision()})
	if fresh != nil {
		fresh[key] = item
		return nil
	}
	v.mu.Lock()
	v.items[key] = item
	v.mu.Unlock()
	v.changed(key)
	return nil
}

// replace puts a complete list in place and reports every key of it and every key that is gone: what
// changed while the watch was away is not known.
func (v *View[T, P]) replace(fresh map[string]P) {
	v.mu.Lock()
	old := v.items
	v.items = fresh
	v.mu.Unlock()
	for key := range fresh {
		v.changed(key)
	}
	for key := range old {
		if _, still := fresh[key]; !still {
			v.changed(key)
		}
	}
	v.once.Do(func() { close(v.ready) })
}
