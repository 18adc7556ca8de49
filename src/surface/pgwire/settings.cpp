#include "core/project/spine.h"
#include "surface/pgwire/pgwire.h"

namespace weir::pgwire {

using enum project::SettingType;

project::SettingTable wire_settings() {
  return {
      {.name = "wire.enabled",
       .type = flag,
       .otherwise = true,
       .prose = "Whether clients of PostgreSQL and Redshift are spoken to.",
       .example = "true"},
      {.name = "wire.address",
       .type = text,
       .otherwise = "127.0.0.1",
       .prose = "Address of the PostgreSQL wire. Off loopback it needs `tls.certificate`, and clients that are not "
                "on this machine need TLS.",
       .example = "127.0.0.1",
       .check = project::check_host},
      {.name = "wire.port",
       .type = integer,
       .otherwise = 5439,
       .prose = "Its port, also of the Unix socket's name, `.weir/.s.PGSQL.5439`. 0 takes any free one.",
       .example = "5439",
       .min = "0",
       .max = "65535"},
      {.name = "wire.profile",
       .type = choice,
       .otherwise = "postgres",
       .prose = "Whom clients believe to speak to if they do not say: PostgreSQL 15, or Redshift (8.0.2).",
       .example = "redshift",
       .choices = {"postgres", "redshift"}},
      {.name = "wire.connections_max",
       .type = integer,
       .otherwise = 2000,
       .prose = "Most connections at once; further ones are refused with 53300.",
       .example = "500",
       .min = "1",
       .max = "60000"},
      {.name = "wire.idle_max",
       .type = duration,
       .otherwise = "1d",
       .prose = "A connection on which nothing happens for so long is ended with 57P05.",
       .example = "1h",
       .min = "1s",
       .max = "30d"},
      {.name = "wire.idle_transaction_max",
       .type = duration,
       .otherwise = "1h",
       .prose = "The same inside of a transaction, which holds old versions of tables: 25P03.",
       .example = "10m",
       .min = "1s",
       .max = "30d"},
  };
}

}  // namespace weir::pgwire
