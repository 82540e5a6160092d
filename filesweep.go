package authtrip

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// fileSweep is how often, at most, a process looks for files that are of no
	// use any more.
	fileSweep = 10 * time.Minute
	// sweepAtOnce is how many files a Save looks at: others wait for it.
	sweepAtOnce = 64
)

// sweep removes files of what has expired, and what a process left half-written
// when it died. The lock is held.
func (s *fileStore) sweep(ctx context.Context) {
	if len(s.unswept) == 0 {
		if time.Since(s.swept) < fileSweep {
			return
		}
		s.swept = time.Now()
		s.unswept = s.sweepable()
	}
	n := min(len(s.unswept), sweepAtOnce)
	for _, path := range s.unswept[:n] {
		if strings.HasSuffix(path, newSuffix) { // nobody is writing it: that takes the lock
			_ = os.Remove(path)
			continue
		}
		if _, err := s.read(ctx, path); errors.Is(err, ErrNotFound) {
			_ = os.Remove(path)
		}
	}
	s.unswept = s.unswept[n:]
}

func (s *fileStore) sweepable() (paths []string) {
	files, _ := os.ReadDir(s.dir)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), recordSuffix) || strings.HasSuffix(f.Name(), newSuffix) {
			paths = append(paths, filepath.Join(s.dir, f.Name()))
		}
	}
	return paths
}
