// Package store keeps results in a directory, also for several processes at once,
// or in memory.
//
// Invariants between processes:
//   - A blob is written beside its place and renamed; its name is its digest, so
//     two writers of one blob write the same bytes. A small document is one line
//     of small.log. Both are checked by digest when they are read.
//   - An entry is one line of keys.log, one write, with a CRC; a torn last line is
//     skipped by readers and ended by the next writer.
//   - A blob is written before the entry that names it. Sync flushes small documents
//     before entries. A blob that is a file is not flushed: after a power failure, not
//     after kill -9, it may be short, which its digest shows when it is read.
//   - Everybody who uses the directory, also to look only, holds lock shared.
//     Compaction, garbage collection and the removal of temporary files hold it
//     exclusively.
//   - A process that runs holds its journal exclusively; a journal that is not
//     locked and does not end is an interrupted run.
//   - No other lock is taken to read: what is read is written by renaming, or line by
//     line, and is checked.
//
// What is damaged is never an answer: it counts as missing, so that the step runs again.
package store
