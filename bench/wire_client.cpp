#include "bench/wire_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "bench/process.h"

namespace weir::bench {

namespace {

uint32_t number_at(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void append_number(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

}  // namespace

WireClient::WireClient(const std::string& folder, uint16_t port) : buffer_(256u << 10) {
  socket_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
  // The path of a socket is short; one through a descriptor of the folder always fits.
  const int at = ::open((folder + "/.weir").c_str(), O_PATH | O_DIRECTORY);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(at) + "/.s.PGSQL." + std::to_string(port);
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const bool is_there = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  ::close(at);
  if (!is_there) give_up("there is no socket of the wire in " + folder + "/.weir");
  std::string hello;
  append_number(hello, 3 << 16);
  for (const char* word : {"user", "bench", "database", "bench"}) hello += word + std::string(1, '\0');
  hello += '\0';
  std::string packet;
  append_number(packet, static_cast<uint32_t>(hello.size() + 4));
  packet += hello;
  if (::write(socket_, packet.data(), packet.size()) != static_cast<ssize_t>(packet.size()))
    give_up("the wire hung up");
  for (char type = 0; type != 'Z';) (void)next(type);
}

WireClient::~WireClient() {
  ::close(socket_);
}

void WireClient::send(char type, std::string_view body) {
  std::string message(1, type);
  append_number(message, static_cast<uint32_t>(body.size() + 4));
  message += body;
  if (::write(socket_, message.data(), message.size()) != static_cast<ssize_t>(message.size()))
    give_up("the wire hung up");
}

std::string_view WireClient::next(char& type) {
  for (;;) {
    const std::string_view here(buffer_.data() + begin_, end_ - begin_);
    if (here.size() >= 5) {
      const size_t size = number_at(here.substr(1)) + 1;
      if (here.size() >= size) {
        type = here[0];
        begin_ += size;
        if (type == 'E') give_up("the wire says: " + std::string(here.substr(5, size - 5)));
        return here.substr(5, size - 5);
      }
      if (size > buffer_.size()) buffer_.resize(size * 2);
    }
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const ssize_t count = ::read(socket_, buffer_.data() + end_, buffer_.size() - end_);
    if (count <= 0) give_up("the wire hung up");
    end_ += static_cast<size_t>(count);
  }
}

uint64_t WireClient::query(const std::string& sql, const std::function<void(std::string_view)>& row) {
  send('Q', sql + std::string(1, '\0'));
  uint64_t rows = 0;
  for (char type = 0; type != 'Z';) {
    const std::string_view body = next(type);
    if (type != 'D') continue;
    ++rows;
    row(body);
  }
  return rows;
}

std::string WireClient::text(const std::string& sql) {
  std::string out;
  query(sql, [&out](std::string_view row) {
    const auto values = values_of(row);
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out += '|';
      out += values[i].data() == nullptr ? "NULL" : values[i];
    }
    out += ';';
  });
  return out;
}

std::vector<std::string_view> values_of(std::string_view row) {
  const size_t count = static_cast<unsigned char>(row[0]) * 256u + static_cast<unsigned char>(row[1]);
  row.remove_prefix(2);
  std::vector<std::string_view> out;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t size = number_at(row);
    row.remove_prefix(4);
    if (size == UINT32_MAX) {
      out.emplace_back();
      continue;
    }
    out.push_back(row.substr(0, size));
    row.remove_prefix(size);
  }
  return out;
}

}  // namespace weir::bench
