/** What a COPY takes, and where to. */
export interface Copy {
  /** Stage that it is taken from; undefined: the folder that the image is built from. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

/** One instruction with all that follows its name, lines that go on joined. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** A stage of a Dockerfile: everything from one FROM to the next. */
export class Stage {
  /** The name after AS; empty when it has none. */
  readonly name: string;
  /** What comes after FROM, flags and name left out. */
  readonly base: string;
  readonly instructions: readonly Instruction[];

  /** @param from - the text after FROM. */
  constructor(from: string, instructions: readonly Instruction[]) {
    const [, base = '', name = ''] = /^(?:--\S+ )*(\S+)(?: AS (\S+))?$/i.exec(from) ?? [];
    this.base = base;
    this.name = name;
    this.instructions = instructions;
  }

  /** What follows each instruction of this name. */
  all(name: string): string[] {
    return this.instructions.filter((each) => each.name === name).map(({ text }) => text);
  }

  /** Every COPY. */
  copies(): Copy[] {
    return this.all('COPY').map(copyOf);
  }
}

/** Reads a Dockerfile as far as ours goes: no here-documents, no other escape character. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { from: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.name === 'FROM') stages.push({ from: instruction.text, instructions: [] });
    else stages.at(-1)?.instructions.push(instruction);
  }
  return stages.map(({ from, instructions }) => new Stage(from, instructions));
}

/**
 * The stage with a name.
 *
 * @throws Error when there is none.
 */
export function stageOf(stages: readonly Stage[], name: string): Stage {
  const stage = stages.find((each) => each.name === name);
  if (stage === undefined) throw new Error(`there is no stage ${name}`);
  return stage;
}

/** What an instruction of a COPY says. */
export function copyOf(text: string): Copy {
  const words = text.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
}

function instructionsOf(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
      return { name: name.toUpperCase(), text: rest };
    });
}
