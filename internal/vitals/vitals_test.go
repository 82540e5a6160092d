package vitals

import (
	"os"
	"runtime"
	"testing"
)

func TestReadCountsGoroutinesAndOpenFiles(t *testing.T) {
	const more = 20
	before := Read()
	end := make(chan struct{})
	started := make(chan struct{})
	for range more {
		go func() {
			started <- struct{}{}
			<-end
		}()
		<-started
	}
	for range more {
		f, err := os.Open(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
	}
	after := Read()
	close(end)
	if got := after.Goroutines - before.Goroutines; got != more {
		t.Errorf("%d goroutines more, want %d", got, more)
	}
	want := more
	if runtime.GOOS != "linux" {
		want = after.OpenFiles - before.OpenFiles
	}
	if got := after.OpenFiles - before.OpenFiles; got != want {
		t.Errorf("%d open files more, want %d", got, want)
	}
}

func TestReadCollectedCountsWhatIsHeldAndNoGarbage(t *testing.T) {
	const size = 64 << 20
	before := ReadCollected()
	held := make([]byte, size)
	for i := 0; i < size; i += 1 << 10 { // or it would not be resident
		held[i] = 1
	}
	full := Read()
	runtime.KeepAlive(held)
	after := ReadCollected()
	if got := full.HeapAlloc - before.HeapAlloc; got < size {
		t.Errorf("%d bytes more while %d are held", got, size)
	}
	if got := after.HeapAlloc - before.HeapAlloc; got > size/2 {
		t.Errorf("%d bytes more once nothing is held", got)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if full.RSS < size || full.PeakRSS < full.RSS || full.RSS > 1<<40 {
		t.Errorf("%d bytes resident, %d at most, while %d are held", full.RSS, full.PeakRSS, size)
	}
}

func TestAStatusThatSaysNothingIsZero(t *testing.T) {
	const status = "Name:\tsoak\nVmHWM:\t   9000 kB\nVmRSS:\t   5204 kB\nThreads:\t7\n"
	for _, x := range []struct {
		status, name string
		want         int64
	}{
		{status, "VmRSS:", 5204 << 10},
		{status, "VmHWM:", 9000 << 10},
		{status, "VmSwap:", 0},
		{status, "Threads:", 0},
		{"", "VmRSS:", 0},
		{"\nVmRSS:", "VmRSS:", 0},
		{"\nVmRSS:\tmany kB\n", "VmRSS:", 0},
	} {
		if got := bytesOf([]byte(x.status), x.name); got != x.want {
			t.Errorf("%s of %q is %d, want %d", x.name, x.status, got, x.want)
		}
	}
}
