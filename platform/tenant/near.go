package tenant

import "strings"

// nearest returns the candidate that word is most likely a slip of, or "". Spelling with other case,
// "-" or "_" always counts; otherwise at most a third of the letters may differ, and two in all.
func nearest(word string, candidates []string) string {
	const furthest = 2
	best, bestDistance := "", furthest+1
	for _, candidate := range candidates {
		if plain(candidate) == plain(word) {
			return candidate
		}
		d := distance(plain(word), plain(candidate))
		if d < bestDistance && 3*d <= len(candidate) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// plain is a key without the differences between spelling habits.
func plain(key string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(key))
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour (optimal
// string alignment) between a and b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 64 || len(t) > 64 { // no key is that long
		return 64
	}
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}
