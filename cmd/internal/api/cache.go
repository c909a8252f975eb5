package api

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache keeps the answers that were asked for last, within a number of bytes.
// The zero value keeps nothing. It is safe for concurrent use: mu guards lru and bytes,
// which the callback of lru changes as well, in calls that are made under mu.
type cache struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[string, *answer]
	bytes int64 // of what it keeps
	max   int64 // bytes
}

// maxAnswers bounds the number of answers, which are tiny for some requests.
const maxAnswers = 1 << 16

// newCache makes a cache of max bytes, which keeps nothing if max is not positive.
func newCache(max int64) *cache {
	c := &cache{max: max}
	if max <= 0 {
		return c
	}
	lru, err := simplelru.NewLRU(maxAnswers, func(key string, a *answer) { c.bytes -= int64(len(key)) + a.size() })
	if err != nil {
		panic("BUG: " + err.Error()) // for sizes below one
	}
	c.lru = lru
	return c
}

// get returns the answer that is kept under key, nil if there is none.
func (c *cache) get(key string) *answer {
	if c.lru == nil {
		return nil
	}
	c.mu.Lock()
	a, _ := c.lru.Get(key)
	c.mu.Unlock()
	return a
}

// put keeps a, unless it takes more than an eighth of the cache: one large answer must not
// displace most of the others. An answer that is kept already stays, since it is equal and
// may be compressed by now.
func (c *cache) put(key string, a *answer) {
	n := int64(len(key)) + a.size()
	if c.lru == nil || n > c.max/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lru.Contains(key) {
		return
	}
	c.lru.Add(key, a)
	c.bytes += n
	for c.bytes > c.max {
		c.lru.RemoveOldest()
	}
}

// used is how many answers are kept, and their bytes with those of their keys.
func (c *cache) used() (answers int, bytes int64) {
	if c.lru == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Len(), c.bytes
}
