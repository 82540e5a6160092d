package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ownFile begins a file that may be written over.
const ownFile = "# By authtrip emulator, which writes over it when it starts again.\n"

// writeConfig writes a configuration, but not over anybody else's.
func writeConfig(path, text string) error {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !bytes.HasPrefix(old, []byte(ownFile)):
		return fmt.Errorf("%s is there, and not by this command: name another file", path)
	}
	return os.WriteFile(path, []byte(ownFile+text), 0o600)
}
