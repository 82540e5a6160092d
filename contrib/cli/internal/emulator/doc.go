// Package emulator is the command "authtrip emulator": the emulators of package
// authtest as a server at one address, and a page on which one watches it and
// makes it fail.
//
// A call passes watch.go, which writes it into the journal (journal.go), on its
// way to the emulator. The page (page.go) and its events (events.go) read the
// journal and the switches (switches.go); guard.go decides who may.
package emulator
