// How statements are coloured and completed: PostgreSQL's words and those that Redshift has beside them
// (docs/reference/dialect.md and statements.md).
import { PostgreSQL, SQLDialect } from '@codemirror/lang-sql';

const kKeywords = `
  allowoverwrite approximate auto backup blanksasnull bzip2 cleanpath compound compression compupdate copy credentials csv
  datashare dateformat delimiter diststyle distkey distribution emptyasnull encode encoding escape even explicit_ids extension
  external fillrecord format gzip iam_role identity ignore ignoreblanklines ignoreheader include interleaved json late_binding
  library listagg manifest masterkey maxerror maxfilesize minus noload nulls parallel parquet partition qualify
  ratio_to_report readratio refresh region removequotes respect rowgroupsize schema sort sortkey statupdate sysdate super
  timeformat top trimblanks truncatecolumns unload vacuum verbose with within zstd`;

const kEncodings = 'az64 bytedict delta delta32k lzo mostly8 mostly16 mostly32 runlength text255 text32k';
const kTypes = 'super hllsketch varbyte geometry geography bpchar nvarchar nchar timetz timestamptz datetime';
// Called without an argument list, or named in every second statement.
const kBuiltin = 'getdate nvl nvl2 decode dateadd datediff convert_timezone';

export const redshift = SQLDialect.define({
  ...PostgreSQL.spec,
  keywords: `${PostgreSQL.spec.keywords ?? ''} ${kKeywords.trim().replace(/\s+/g, ' ')} ${kEncodings}`,
  types: `${PostgreSQL.spec.types ?? ''} ${kTypes}`,
  builtin: `${PostgreSQL.spec.builtin ?? ''} ${kBuiltin}`,
});
