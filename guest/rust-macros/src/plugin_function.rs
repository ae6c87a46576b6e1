//! `#[isopod::function]`.

use crate::public_name;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, Meta, Type};

/// The expansion: the unchanged function, and its entry in the list of functions. Errors become
/// `compile_error!` beside the unchanged item, so that no other errors follow from them.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let text = "`#[isopod::function]` belongs on a function";
            return Error::new_spanned(&item, text).into_compile_error();
        }
    };
    let entry = entry(attribute, &function).unwrap_or_else(Error::into_compile_error);
    quote! { #item #entry }
}

/// The entry of the function in the list. It is in a scope of its own, so that it takes no name from the
/// plugin.
fn entry(attribute: TokenStream, function: &ItemFn) -> Result<TokenStream, Error> {
    let name = public_name::read("function", attribute, function)?;
    let parameter = parameter(function)?;
    let parameters = match parameter {
        Some(parameter) => quote! { (#parameter,) },
        None => quote! { () },
    };
    let text = documentation(&function.attrs);
    let function = &function.sig.ident;
    Ok(quote! {
        const _: () = {
            fn __isopod_run(
                call: ::isopod::__private::Call,
            ) -> ::std::result::Result<::isopod::__private::Returned, ::isopod::__private::Failure> {
                ::isopod::__private::Callable::<#parameters>::answer(&#function, call)
            }
            ::isopod::__private::inventory::submit! {
                ::isopod::__private::Function::new(#name, #text, __isopod_run)
            }
        };
    })
}

/// Checks that a plugin can export the function, and returns the type of its parameter, if it has one.
fn parameter(function: &ItemFn) -> Result<Option<&Type>, Error> {
    let signature = &function.sig;
    let refuse = |tokens: &dyn ToTokens, text: &str| Err(Error::new(tokens.span(), text));
    if let Some(asyncness) = &signature.asyncness {
        let text = "a function of a plugin cannot be async: its caller waits for it";
        return refuse(asyncness, text);
    }
    if let Some(unsafety) = &signature.unsafety {
        return refuse(unsafety, "a function of a plugin cannot be unsafe");
    }
    if !signature.generics.params.is_empty() {
        let text = "a function of a plugin cannot be generic: a caller by name names no types";
        return refuse(&signature.generics, text);
    }
    let mut inputs = signature.inputs.iter();
    let parameter = match inputs.next() {
        None => return Ok(None),
        Some(FnArg::Receiver(receiver)) => {
            let text = "a function of a plugin is a plain one, and has no receiver `self`";
            return refuse(receiver, text);
        }
        Some(FnArg::Typed(parameter)) => &*parameter.ty,
    };
    if let Some(second) = inputs.next() {
        let text = "a function of a plugin has one parameter, its input, or none: put more into one \
                    value, as in `Json((a, b)): Json<(u32, String)>`";
        return refuse(second, text);
    }
    match parameter {
        Type::ImplTrait(implied) => {
            let text = "a function of a plugin cannot be generic: a caller by name names no types";
            refuse(implied, text)
        }
        Type::Reference(reference) => {
            let text = "the parameter of a function of a plugin owns its data: take a `String` or a \
                        `Vec<u8>`";
            refuse(reference, text)
        }
        parameter => Ok(Some(parameter)),
    }
}

/// The documentation comment, which `describe` returns for the function.
fn documentation(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) => match &meta.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    lines.join("\n").trim().to_owned()
}
