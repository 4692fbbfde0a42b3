package chaos_test

import "slices"

// shrink leaves steps out as long as the schedule still fails, larger pieces first. It tries at most so many times.
func shrink(s schedule, tries int, fails func(schedule) bool) schedule {
	for size := len(s.Steps) / 2; size >= 1; size /= 2 {
		for at := 0; at < len(s.Steps); {
			if tries == 0 {
				return s
			}
			tries--
			less := s
			less.Steps = slices.Delete(slices.Clone(s.Steps), at, min(at+size, len(s.Steps)))
			if fails(less) {
				s = less
			} else {
				at += size
			}
		}
	}
	return s
}
