//! `#[isopod::task]`.

use crate::public_name;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, LitByteStr, LitStr, Type};

/// The largest number of parameters of a task: the library implements its trait for up to so many.
const MAX_PARAMETERS: usize = 8;

/// The expansion: the unchanged function, and its entry in the list of names. Errors become `compile_error!`
/// beside the unchanged item, so that no other errors follow from them.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let text = "`#[isopod::task]` belongs on a function";
            return Error::new_spanned(&item, text).into_compile_error();
        }
    };
    let entry = public_name::read("task", attribute, &function)
        .and_then(|name| Ok(entry(&name, &function, &parameters(&function)?)))
        .unwrap_or_else(Error::into_compile_error);
    quote! { #item #entry }
}

/// The entry of the function in the list. It is in a scope of its own, so that it takes no name from the
/// program.
fn entry(name: &LitStr, function: &ItemFn, parameters: &[&Type]) -> TokenStream {
    let function = &function.sig.ident;
    let noted = noted(&name.value());
    let length = noted.len();
    let noted = LitByteStr::new(&noted, name.span());
    quote! {
        const _: () = {
            // The host reads the names from this section without running the program. A section of a
            // WebAssembly module is not memory: nothing refers to it, so nothing can go wrong with it.
            #[cfg(target_family = "wasm")]
            #[used]
            #[unsafe(link_section = "isopod:tasks")]
            static __ISOPOD_NAME: [u8; #length] = *#noted;
            fn __isopod_run(
                job: ::isopod::__private::NamedJob,
            ) -> ::std::result::Result<::isopod::__private::NamedValue, ::isopod::Error> {
                ::isopod::__private::call::<_, (#(#parameters,)*)>(&#function, job)
            }
            ::isopod::__private::inventory::submit! {
                ::isopod::__private::NamedTask::new(#name, __isopod_run)
            }
        };
    }
}

/// A name as it is in the section, where the linker concatenates them: its length in two little-endian bytes,
/// and its bytes.
fn noted(name: &str) -> Vec<u8> {
    // A longer name is left out of the section; the task can still be called.
    let Ok(length) = u16::try_from(name.len()) else {
        return Vec::new();
    };
    [&length.to_le_bytes(), name.as_bytes()].concat()
}

/// Checks that the function can be a task, and returns the types of its parameters.
fn parameters(function: &ItemFn) -> Result<Vec<&Type>, Error> {
    let signature = &function.sig;
    let refuse = |tokens: &dyn ToTokens, text: &str| Err(Error::new(tokens.span(), text));
    if let Some(asyncness) = &signature.asyncness {
        return refuse(
            asyncness,
            "a task cannot be async: its process waits by blocking, and the host runs others \
             meanwhile",
        );
    }
    if let Some(unsafety) = &signature.unsafety {
        return refuse(unsafety, "a task cannot be unsafe");
    }
    if !signature.generics.params.is_empty() {
        return refuse(
            &signature.generics,
            "a task with a public name cannot be generic: a caller by name names no types",
        );
    }
    let mut types = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                return refuse(
                    receiver,
                    "a task is a plain function, and has no receiver `self`",
                );
            }
            FnArg::Typed(parameter) => match &*parameter.ty {
                Type::ImplTrait(implied) => {
                    return refuse(
                        implied,
                        "a task with a public name cannot be generic: a caller by name names no types",
                    );
                }
                Type::Reference(reference) => {
                    return refuse(
                        reference,
                        "a parameter of a task owns its data: it comes out of a message",
                    );
                }
                parameter => types.push(parameter),
            },
        }
    }
    if types.len() > MAX_PARAMETERS {
        return refuse(
            &signature.inputs,
            "a task has up to eight parameters: put some of them in a structure",
        );
    }
    Ok(types)
}
