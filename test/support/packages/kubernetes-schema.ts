import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';

/** An object of Kubernetes, as far as every one has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Model {
  validate(): void;
}

/** The kinds that our manifests have; the models carry the JSON Schema of Kubernetes itself. */
const MODELS = [
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Namespace,
  PodDisruptionBudget,
  Secret,
  Service,
  ServiceAccount,
] as unknown as readonly {
  readonly apiVersion: string;
  readonly kind: string;
  new (manifest: Manifest): Model;
}[];

/** Says what is wrong with a manifest; fields that the schema does not know are not seen. */
export function schemaProblems(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  const Known = MODELS.find((model) => model.apiVersion === apiVersion && model.kind === kind);
  if (Known === undefined) return [`there is no ${kind} of ${apiVersion}`];
  try {
    new Known(manifest).validate();
    return [];
  } catch (error) {
    return [String(error)];
  }
}
