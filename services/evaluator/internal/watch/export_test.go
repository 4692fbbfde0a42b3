package watch

import "time"

// Next returns when the watch means to look at the clock again; the zero time before its first look.
func (w *Watch) Next() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}
