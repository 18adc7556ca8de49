// The pages of the product, built by Vite and embedded in the program: no file is read at run time.
//
// embedded_files() lists every file once, sorted by path ("/index.html", "/assets/index-….js", …); it is constant data
// that lives as long as the program, safe from any thread. `bytes_gzip` is empty where compression gains nothing. Files
// under /assets/ carry a hash in their name and may be cached for ever; the others must be asked for again with `etag`
// (quoted, ready for the header). Serve "/index.html" for any unknown path without an extension. The pages need nothing
// inline and nothing from elsewhere: they are tested under a Content-Security-Policy of default-src 'self'.
#pragma once

#include <span>
#include <string_view>

namespace weir::ui {

struct EmbeddedFile {
  std::string_view path;
  std::string_view content_type;
  std::string_view bytes;
  std::string_view bytes_gzip;
  std::string_view etag;
};

std::span<const EmbeddedFile> embedded_files();

/// The file of exactly this path, or nullptr.
const EmbeddedFile* find_embedded_file(std::string_view path);

}  // namespace weir::ui
