package proxy

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// size is a flag's number of bytes: "0", "4096", "64KiB", "1MiB".
type size int64

var _ pflag.Value = (*size)(nil)

func (s *size) String() string {
	switch n := int64(*s); {
	case n != 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n != 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	default:
		return strconv.FormatInt(n, 10)
	}
}

func (s *size) Set(text string) error {
	digits, shift := text, 0
	if d, ok := strings.CutSuffix(text, "KiB"); ok {
		digits, shift = d, 10
	} else if d, ok := strings.CutSuffix(text, "MiB"); ok {
		digits, shift = d, 20
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt32>>shift {
		return fmt.Errorf("%q is no size: write 0, 4096, 64KiB or 1MiB", text)
	}
	*s = size(n << shift)
	return nil
}

func (s *size) Type() string { return "size" }
