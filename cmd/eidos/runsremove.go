package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// runsRemove removes journals. A run that is going on keeps its own, as its process holds
// it locked; named runs are each tried, and all that could not be removed are reported.
// One of --older-than and --keep is needed, so that `eidos runs rm` alone removes
// nothing.
func (a *app) runsRemove() *cobra.Command {
	var older string
	var keep int
	c := &cobra.Command{
		Use: "rm {RUN... | --older-than AGE | --keep N}", Short: "Forget runs; results stay until cache gc",
		Long: `Forget runs: those that are named, or those that are older than --older-than,
but not the newest --keep. Runs that are going on stay. Results stay until
eidos cache gc.`,
		Example: `  eidos runs rm 20260102T030405Z-a1b2c3
  eidos runs rm --older-than 30d
  eidos runs rm --keep 10
  eidos runs rm --older-than 7d --keep 10     old ones, but never the newest 10`,
		ValidArgsFunction: a.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			byAge, byCount := c.Flags().Changed("older-than"), c.Flags().Changed("keep")
			// Named runs or a rule, and exactly one of the two.
			if len(args) > 0 == (byAge || byCount) {
				return schema.Errorf(schema.Invalid, "which runs?").WithHint("name some, or say --older-than AGE, --keep N or both")
			}
			if keep < 0 {
				return schema.Errorf(schema.Invalid, "--keep: %d is less than none", keep)
			}
			// Without --older-than every run is old enough, and --keep alone decides.
			old := time.Now()
			if byAge {
				d, err := age("--older-than", older)
				if err != nil {
					return err
				}
				old = old.Add(-d)
			}
			return a.paths().WithStore(func(s *store.Directory) error {
				if len(args) == 0 {
					n, err := s.KeepRuns(keep, old)
					if err == nil {
						a.Say("runs forgotten: %d", n)
					}
					return err
				}
				var errs []error
				for _, id := range args {
					errs = append(errs, s.RemoveRun(id))
				}
				return schema.Join(errs)
			})
		},
	}
	c.Flags().StringVar(&older, "older-than", "", "forget runs that began so long ago: 30d, 12h, 10m")
	c.Flags().IntVar(&keep, "keep", 0, "never forget the newest so many")
	return c
}

// age reads a duration that may be in days, of 24 hours, which time.ParseDuration does
// not know. flag is for messages. Invalid if it is negative or over 100,000 days.
func age(flag, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if n > 100_000 { // 273 years; a duration holds 292
			err = strconv.ErrRange
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return 0, schema.Errorf(schema.Invalid, "%s: %q is not a duration", flag, text).WithHint("write it as 30d, 720h or 30m")
	}
	return d, nil
}
