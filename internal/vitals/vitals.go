// Package vitals reads what a process holds on to: goroutines, memory and open
// files, so that programs which run it for long or break it on purpose can say
// that it holds no more than before.
package vitals

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
)

// Vitals are the figures of this process at one moment.
type Vitals struct {
	Goroutines int
	HeapAlloc  int64 // bytes of the heap in use, garbage included unless it was collected first
	OpenFiles  int   // files, sockets and pipes, the runtime's own included; -1 where the system does not say
	RSS        int64 // bytes of memory that are resident; 0 where the system does not say
	PeakRSS    int64 // the most that RSS ever was, in bytes; 0 where the system does not say
}

// Read reads them as they are. It stops all goroutines for some microseconds.
//
// It is safe for concurrent use.
func Read() Vitals {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	status := processStatus()
	return Vitals{
		Goroutines: runtime.NumGoroutine(),
		HeapAlloc:  int64(memory.HeapAlloc),
		OpenFiles:  openFiles(),
		RSS:        bytesOf(status, "VmRSS:"),
		PeakRSS:    bytesOf(status, "VmHWM:"),
	}
}

// ReadCollected collects the garbage first, so that HeapAlloc is what is held.
//
// It is safe for concurrent use.
func ReadCollected() Vitals {
	// Twice: a sync.Pool lets go of what is in it at the second collection, and
	// what a cleanup releases at the first is freed by the second.
	runtime.GC()
	runtime.GC()
	return Read()
}

// openFiles counts what Linux lists.
func openFiles() int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return -1
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return -1
	}
	return len(names) - 1 // dir itself
}

// processStatus is what Linux says of this process; empty elsewhere.
func processStatus() []byte {
	status, _ := os.ReadFile("/proc/self/status")
	return status
}

// bytesOf reads a figure of a status, which gives it in kB: "VmRSS:  5204 kB".
func bytesOf(status []byte, name string) int64 {
	_, rest, found := bytes.Cut(status, []byte("\n"+name))
	if !found {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	figure, isKB := bytes.CutSuffix(line, []byte(" kB"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(figure)), 10, 64)
	if !isKB || err != nil {
		return 0
	}
	return n << 10
}
