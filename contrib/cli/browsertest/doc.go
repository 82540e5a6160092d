// Package browsertest opens the page of "authtrip emulator" in headless
// Chromium. It is a module of its own: nobody who installs the command needs
// what drives a browser. It has tests only; they want Debian's chromium, or
// another Chromium or Chrome, in the PATH.
//
// The picture in the documents is taken by
//
//	go test -run TestThePicture -write
package browsertest
