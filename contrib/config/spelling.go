package config

import "strings"

var dashes = strings.NewReplacer("-", "", "_", "")

// fold makes all spellings of a name one: client_id, client-id, clientId and
// CLIENT_ID.
func fold(name string) string {
	return dashes.Replace(strings.ToLower(name))
}

// exactly takes every spelling for a name of its own.
func exactly(name string) string { return name }

// nearest returns which of the names was meant, if one is near enough.
func nearest(wrong string, names []string) (string, bool) {
	wrong = fold(wrong)
	if len(wrong) > 64 {
		return "", false
	}
	best, distance := "", 3
	for _, name := range names {
		folded := fold(name)
		if d := edits(wrong, folded); d < distance && d*3 <= len(folded) {
			best, distance = name, d
		}
	}
	return best, best != ""
}

// edits is the Levenshtein distance, with two neighbours that changed places
// as one edit.
func edits(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
