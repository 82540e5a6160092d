//go:build unix

package session

import (
	"fmt"
	"os"
	"syscall"
)

// trust refuses a configuration that was found, and not named, where somebody
// else can write it: it says where the environment's secrets are sent.
func trust(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("./%s belongs to another user: if it is meant, name it with --config %s", path, path)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("./%s may be written by others (%04o): chmod o-w it if nobody did, or name it with --config %s", path, info.Mode().Perm(), path)
	}
	return nil
}
