from tests.liboqs import use_cached_build

use_cached_build()
